// SPDX-License-Identifier: Apache-2.0

/** Options that may be given as `undefined`, too: under `exactOptionalPropertyTypes`, Connect's own may not. */
export type OrUndefined<Options> = { [Name in keyof Options]: Options[Name] | undefined };

/** Options with every default filled in. */
export type Resolved<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/** Options that are given or not there. */
export type Given<Options> = { [Name in keyof Options]: Exclude<Options[Name], undefined> };

/** The options that are given: those that are `undefined` are not there. */
export function givenOptions<Options extends object>(options: Options): Given<Options> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Given<Options>;
}

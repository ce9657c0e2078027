// SPDX-License-Identifier: Apache-2.0

/** Options that may also be `undefined`: under `exactOptionalPropertyTypes`, Connect's own may not. */
export type OrUndefined<Options> = { [Name in keyof Options]: Options[Name] | undefined };

/** Options with every default filled in. */
export type Resolved<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/** Options that are absent or have a value. */
export type Given<Options> = { [Name in keyof Options]: Exclude<Options[Name], undefined> };

/** A copy of the options without those that are `undefined`. */
export function givenOptions<Options extends object>(options: Options): Given<Options> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Given<Options>;
}

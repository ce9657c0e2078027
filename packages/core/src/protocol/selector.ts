// SPDX-License-Identifier: Apache-2.0
import { serviceGroup, serviceVersion } from "./headers.js";
import { quote } from "./quote.js";

/** Which registration of a service is meant. Dubbo dispatches on both, exactly; absent is the empty string. */
export interface Selector {
  readonly group: string;
  readonly version: string;
}

/** One string for a selector, unambiguous: no header value contains NUL. */
export function selectorKey(group: string, version: string): string {
  return `${group}\0${version}`;
}

/** A selector for an error message: `group "g", version "1.0.0"`, or `no group and no version`. */
export function describeSelector({ group, version }: Selector): string {
  if (group === "" && version === "") return "no group and no version";
  if (version === "") return `group ${quote(group)}, no version`;
  if (group === "") return `no group, version ${quote(version)}`;
  return `group ${quote(group)}, version ${quote(version)}`;
}

/** The headers of a selector: only what is not empty is sent. */
export function selectorFields({
  group,
  version,
}: Selector): readonly (readonly [name: string, value: string])[] {
  const fields: (readonly [string, string])[] = [];
  if (group !== "") fields.push([serviceGroup, group]);
  if (version !== "") fields.push([serviceVersion, version]);
  return fields;
}

/** Adds group and version to headers that don't name them. */
export function withSelector(headers: Headers, selector: Selector): Headers {
  for (const [name, value] of selectorFields(selector)) if (!headers.has(name)) headers.set(name, value);
  return headers;
}

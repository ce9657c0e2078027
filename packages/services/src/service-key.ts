// SPDX-License-Identifier: Apache-2.0

/** A service as a client asks for it: its name on the wire, with Dubbo's group and version. */
export interface ServiceKey {
  /** The full name, such as `greet.GreetService`; empty for the whole server. */
  readonly service: string;
  /** Default: none. */
  readonly group?: string | undefined;
  /** Default: none. */
  readonly version?: string | undefined;
}

/** The key as text, in Dubbo's form `group/service:version`. A name alone is the key without group and version. */
export function formatServiceKey(key: string | ServiceKey): string {
  if (typeof key === "string") return key;
  const { service, group = "", version = "" } = key;
  return `${group === "" ? "" : `${group}/`}${service}${version === "" ? "" : `:${version}`}`;
}

// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@tristream/core";

/** One place to connect to. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** What an address string says. */
export interface Target {
  /** At least one; they are tried in order. */
  readonly addresses: readonly Address[];
  /** From `?group=`; empty if absent. */
  readonly group: string;
  /** From `?version=`; empty if absent. */
  readonly version: string;
}

const allowed = "use tri://host:port, http://host:port or unix:path";

/**
 * Reads `tri://host:port`, `http://host:port`, `unix:path`, or several of them with `;` between. `?group=` and `?version=`
 * may follow; anything else is an `InvalidArgument` that names it.
 */
export function parseTarget(url: string): Target {
  const selector = { group: "", version: "" };
  const addresses = url
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => parseAddress(part, selector));
  if (addresses.length === 0) throw invalid(`address ${JSON.stringify(url)} is empty: ${allowed}`);
  return { addresses, ...selector };
}

function parseAddress(text: string, selector: { group: string; version: string }): Address {
  const scheme = /^([a-z][a-z0-9+.-]*):(?!\d+(?:$|[/?]))/i.exec(text)?.[1]?.toLowerCase();
  const quoted = JSON.stringify(text);
  if (scheme === undefined) throw invalid(`address ${quoted} has no scheme: ${allowed}`);
  if (scheme === "unix") {
    const path = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
    if (path === "") throw invalid(`address ${quoted} has no path: write unix:/path/of/socket`);
    return { kind: "unix", path };
  }
  if (scheme !== "tri" && scheme !== "http")
    throw invalid(`address ${quoted} has scheme ${JSON.stringify(scheme)}: ${allowed}`);
  let parsed: URL;
  try {
    parsed = new URL(text.replace(/^[a-z]+:/i, "http:"));
  } catch (cause) {
    throw invalid(`address ${quoted} can't be read: ${allowed}`, cause);
  }
  if (!/^[a-z]+:\/\//i.test(text) || parsed.hostname === "")
    throw invalid(`address ${quoted} has no host: ${allowed}`);
  const port = parsed.port === "" && scheme === "http" ? 80 : Number(explicitPort(text));
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw invalid(`address ${quoted} has no port: write ${scheme}://${parsed.hostname}:20000, say`);
  if (parsed.username !== "" || parsed.password !== "")
    throw invalid(`address ${quoted} has a user name: not supported, send credentials in headers`);
  if (parsed.pathname !== "/" && parsed.pathname !== "") {
    throw invalid(
      `address ${quoted} has path ${JSON.stringify(parsed.pathname)}: leave it out, and name the interface in createClient(…, { interface })`,
    );
  }
  if (parsed.hash !== "")
    throw invalid(`address ${quoted} has fragment ${JSON.stringify(parsed.hash)}: leave it out`);
  readParameters(parsed.searchParams, quoted, selector);
  return { kind: "tcp", host: parsed.hostname.replace(/^\[|\]$/g, ""), port };
}

/** `URL` drops a port that is the scheme's default one. */
function explicitPort(text: string): string {
  return /^[a-z]+:\/\/[^/?#]*?:(\d+)(?:[/?#]|$)/i.exec(text)?.[1] ?? "";
}

function readParameters(
  parameters: URLSearchParams,
  quoted: string,
  selector: { group: string; version: string },
): void {
  for (const [name, value] of parameters) {
    if (name !== "group" && name !== "version") {
      throw invalid(
        `address ${quoted} has parameter ${JSON.stringify(name)}: only group and version are read`,
      );
    }
    if (selector[name] !== "" && selector[name] !== value) {
      throw invalid(
        `address ${quoted} has ${name} ${JSON.stringify(value)}, but another one has ${JSON.stringify(selector[name])}: use a transport for each`,
      );
    }
    selector[name] = value;
  }
}

/** An address as errors and logs show it. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

function invalid(message: string, cause?: unknown): ConnectError {
  return new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
}

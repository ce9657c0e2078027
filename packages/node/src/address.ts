// SPDX-License-Identifier: Apache-2.0
import { isIPv4 } from "node:net";
import { Code, ConnectError } from "@tristream/core";

/** One place to connect to. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly secure: boolean }
  | { readonly kind: "unix"; readonly path: string; readonly secure: boolean };

/** A parsed address string. */
export interface Target {
  /** At least one; they are tried in order. */
  readonly addresses: readonly Address[];
  /** From `?group=`; empty if absent. */
  readonly group: string;
  /** From `?version=`; empty if absent. */
  readonly version: string;
}

/** The group and version in an address, while it is parsed. */
interface Selector {
  group: string;
  version: string;
}

const allowed = "use tri://host:port, http://host:port, https://host:port or unix:path";

/**
 * Reads `tri://host:port`, `http://host:port`, `https://host:port`, `unix:path`, or several of them with `;` between. `?group=` and `?version=`
 * may follow; anything else is an `InvalidArgument` that names it. With `tls`, the option of that name was given: `tri:` and `unix:` then
 * speak TLS, as `https:` does in any case.
 */
export function parseTarget(url: string, tls = false): Target {
  const selector = { group: "", version: "" };
  const addresses = url
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => parseAddress(part, selector, tls));
  if (addresses.length === 0) throw invalid(`address ${JSON.stringify(url)} is empty: ${allowed}`);
  return { addresses, ...selector };
}

function parseAddress(text: string, selector: Selector, tls: boolean): Address {
  const scheme = /^([a-z][a-z0-9+.-]*):(?!\d+(?:$|[/?]))/i.exec(text)?.[1]?.toLowerCase();
  const quoted = JSON.stringify(text);
  if (scheme === undefined) throw invalid(`address ${quoted} has no scheme: ${allowed}`);
  if (scheme === "unix") return { ...parseSocketPath(text, quoted, selector), secure: tls };
  if (scheme !== "tri" && scheme !== "http" && scheme !== "https")
    throw invalid(`address ${quoted} has scheme ${JSON.stringify(scheme)}: ${allowed}`);
  if (scheme === "http" && tls)
    throw invalid(
      `address ${quoted} is in cleartext, but option tls is given: write https:// or tri://, or leave tls out`,
    );
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(text)?.[1] ?? "";
  if (authority.includes(","))
    throw invalid(`address ${quoted} has a comma: write ; between addresses, each as tri://host:port`);
  if (authority.includes("@"))
    throw invalid(`address ${quoted} has a user name: not supported, send credentials in headers`);
  const { host, port, zone } = splitAuthority(authority);
  if (host === "") throw invalid(`address ${quoted} has no host: ${allowed}`);
  if (/^[^[].*:/.test(host)) throw invalid(`address ${quoted} can't be read: ${allowed}`);
  if (port === "" && scheme === "tri")
    throw invalid(`address ${quoted} has no port: write ${scheme}://${host}:20000, say`);
  const secure = tls || scheme === "https";
  const number = port === "" ? (secure ? 443 : 80) : Number(port);
  if (number < 1 || number > 65_535)
    throw invalid(`address ${quoted} has port ${port}: use a port from 1 to 65535`);
  let parsed: URL;
  try {
    parsed = new URL(`http://${host}${text.slice(text.indexOf("://") + 3 + authority.length)}`);
  } catch (cause) {
    throw invalid(`address ${quoted} can't be read: ${allowed}`, cause);
  }
  if (isIPv4(parsed.hostname) && parsed.hostname !== host) {
    throw invalid(
      `address ${quoted} has host ${JSON.stringify(host)}, which means ${parsed.hostname}: write that`,
    );
  }
  if (parsed.pathname !== "/" && parsed.pathname !== "") {
    throw invalid(
      `address ${quoted} has path ${JSON.stringify(parsed.pathname)}: leave it out, and name the interface in createClient(…, { interface })`,
    );
  }
  if (parsed.hash !== "")
    throw invalid(`address ${quoted} has fragment ${JSON.stringify(parsed.hash)}: leave it out`);
  readParameters(parsed.searchParams, quoted, selector);
  return { kind: "tcp", host: parsed.hostname.replace(/^\[|\]$/g, "") + zone, port: number, secure };
}

/**
 * `host:port`, where an IPv6 address stands in brackets, with a zone (RFC 6874: `%25eth0`; `%eth0` as everybody writes it). `URL` knows no
 * zones, and drops the port 80.
 */
function splitAuthority(authority: string): { host: string; port: string; zone: string } {
  const [, host = "", port = ""] = /^(.*?)(?::(\d*))?$/.exec(authority) ?? [];
  const zoned = /^(\[[^\]%]*)%(?:25)?([^\]]+)\]$/.exec(host);
  return zoned === null ? { host, port, zone: "" } : { host: `${zoned[1]}]`, port, zone: `%${zoned[2]}` };
}

/** `unix:path`, and parameters behind `?`. In the path `%3F`, `%3B` and `%25` stand for `?`, `;` and `%`. */
function parseSocketPath(
  text: string,
  quoted: string,
  selector: Selector,
): { readonly kind: "unix"; readonly path: string } {
  const [given = "", parameters = ""] =
    /^unix:(?:\/\/(?=\/))?([^?]*)(?:\?(.*))?$/is.exec(text)?.slice(1) ?? [];
  if (given === "") throw invalid(`address ${quoted} has no path: write unix:/path/of/socket`);
  readParameters(new URLSearchParams(parameters), quoted, selector);
  const path = decodePath(given);
  checkSocketPath(path);
  return { kind: "unix", path };
}

const escaped: Readonly<Record<string, string>> = { "%": "%25", "?": "%3F", ";": "%3B" };

function decodePath(text: string): string {
  return text.replace(/%(25|3f|3b)/gi, (code) => decodeURIComponent(code));
}

/** The address of a unix socket, for `createTransport`. */
export function socketUrl(path: string): string {
  return `unix:${path.replace(/[%?;]/g, (character) => escaped[character]!)}`;
}

/** The longest path of the system in bytes (sun_path, without its NUL); Windows has pipes instead. */
const longestSocketPath = { linux: 107, android: 107, win32: Number.POSITIVE_INFINITY } as Partial<
  Record<NodeJS.Platform, number>
>;

/** Refuses a path that the system would cut: Node cuts it silently, so that two paths would be one socket. */
export function checkSocketPath(path: string): void {
  const most = longestSocketPath[process.platform] ?? 103;
  const length = Buffer.byteLength(path);
  if (length > most) {
    throw invalid(
      `the path of the unix socket ${JSON.stringify(path)} has ${length} bytes: the system takes ${most} at most, choose a shorter one`,
    );
  }
}

function readParameters(parameters: URLSearchParams, quoted: string, selector: Selector): void {
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

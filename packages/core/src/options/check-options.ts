// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { quote } from "../protocol/quote.js";
import { describeValue } from "./describe-value.js";
import { nearestName } from "./nearest-name.js";

/** The values that an option takes. */
export interface OptionKind {
  readonly accepts: (value: unknown) => boolean;
  /** The values to pass, for the error. */
  readonly wanted: string;
  /** The names of an object's own options, for the error of one that was given beside the object. */
  readonly names?: readonly string[];
  /** The part of a refused value that is wrong, for the error: a member of an array, say. Null if the value as a whole is. */
  readonly partOf?: (value: unknown) => WrongPart | null;
}

/** The part of an option's value that is wrong. */
export interface WrongPart {
  /** Where it is: `[0]`, `.registry`. */
  readonly path: string;
  readonly value: unknown;
  readonly wanted: string;
}

/** The kinds of all options of a type: the compiler refuses a list that lacks one. */
export type OptionKinds<Options> = { readonly [Name in keyof Required<Options>]: OptionKind };

/** Any value: code that reads the option checks it, with a text of its own. */
export const anyValue: OptionKind = { accepts: () => true, wanted: "a value" };

/** True or false. */
export const flag: OptionKind = { accepts: (value) => typeof value === "boolean", wanted: "true or false" };

/** A number. */
export const number: OptionKind = { accepts: (value) => typeof value === "number", wanted: "a number" };

/** A string. */
export const text: OptionKind = { accepts: (value) => typeof value === "string", wanted: "a string" };

/** A function. */
export const func: OptionKind = { accepts: (value) => typeof value === "function", wanted: "a function" };

/** Connect's interceptors. */
export const interceptors: OptionKind = listOf(
  { accepts: func.accepts, wanted: "an interceptor, which is a function" },
  "an array of interceptors, which are functions",
);

/** A compression. */
export const compression: OptionKind = {
  accepts: (value) =>
    hasAll(value, ["compress", "decompress"]) && typeof (value as { name?: unknown }).name === "string",
  wanted: "a compression, such as compressionGzip",
};

/** Compressions. */
export const compressions: OptionKind = listOf(
  compression,
  "an array of compressions, such as [compressionGzip]",
);

/** A clock. */
export const clock: OptionKind = {
  accepts: (value) => hasAll(value, ["now", "after"]),
  wanted: "a clock with now() and after(), such as createClock() of @tristream/testing",
};

/** A logger. */
export const logger: OptionKind = {
  accepts: (value) => hasAll(value, ["error", "warn", "info", "debug"]),
  wanted: "an object with the functions error, warn, info and debug, such as console",
};

/** A signal. */
export const signal: OptionKind = {
  accepts: (value) => hasAll(value, ["addEventListener"]) && "aborted" in (value as object),
  wanted: "an AbortSignal",
};

/** A number of milliseconds that ends a call, or none. */
export const timeout: OptionKind = {
  accepts: (value) => typeof value === "number" && !Number.isNaN(value),
  wanted: "milliseconds, or 0 for no deadline",
};

/** An object. */
export const object: OptionKind = {
  accepts: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  wanted: "an object",
};

/** All kinds, for those who bring a runtime. */
export const optionKinds = { anyValue, flag, number, text, func, object, signal, clock } as const;

/** An array whose members are of one kind. */
function listOf(member: OptionKind, wanted: string): OptionKind {
  return {
    accepts: (value) => Array.isArray(value) && value.every(member.accepts),
    wanted,
    partOf(value) {
      if (!Array.isArray(value)) return null;
      const at = value.findIndex((each) => !member.accepts(each));
      return { path: `[${at}]`, value: value[at], wanted: member.wanted };
    },
  };
}

/** True if a value has all these functions. */
export function hasAll(value: unknown, functions: readonly string[]): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return functions.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}

/** The values to pass as a service, for the error. */
export const generatedService = "a generated service, such as GreetService of greet_pb.js";

/** True if a value is a service that protobuf-es describes. */
export function isService(value: unknown): boolean {
  return (value as { kind?: unknown } | null | undefined)?.kind === "service";
}

/** Names that options of TLS have in other libraries. */
const ofTls: ReadonlySet<string> = new Set([
  "tls",
  "ssl",
  "https",
  "secure",
  "credentials",
  "creds",
  "cert",
  "key",
  "ca",
]);

/**
 * Throws `InvalidArgument` for options that are not an object, for an unknown one, with the nearest name, and for one of the wrong type.
 * An option that is undefined is not given. `owner` takes the options: `serve`, say.
 */
export function checkOptions(
  owner: string,
  given: unknown,
  kinds: Readonly<Record<string, OptionKind>>,
): void {
  const fault = faultOfOptions(owner, given, kinds);
  if (fault !== null) throw fault;
}

/** As {@link checkOptions}, without throwing: null if the options are good. 16 ns for one option. */
export function faultOfOptions(
  owner: string,
  given: unknown,
  kinds: Readonly<Record<string, OptionKind>>,
): ConnectError | null {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return invalid(`the options of ${owner} are ${shown(given)}: pass an object, or leave them out`);
  for (const name of Object.keys(given)) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (!Object.hasOwn(kinds, name)) return unknownOption(owner, name, kinds);
    const kind = kinds[name]!;
    if (!kind.accepts(value)) return wrongOption(owner, name, kind, value);
  }
  return null;
}

function wrongOption(owner: string, name: string, kind: OptionKind, value: unknown): ConnectError {
  const part = kind.partOf?.(value) ?? { path: "", value, wanted: `${kind.wanted}, or leave it out` };
  return invalid(`option ${name}${part.path} of ${owner} is ${shown(part.value)}: pass ${part.wanted}`);
}

/** The error of an argument that is not what it has to be. */
export function wrongArgument(what: string, value: unknown, wanted: string): ConnectError {
  return invalid(`${what} is ${shown(value)}: pass ${wanted}`);
}

function unknownOption(
  owner: string,
  name: string,
  kinds: Readonly<Record<string, OptionKind>>,
): ConnectError {
  const names = Object.keys(kinds);
  const inside = names.find((each) => kinds[each]!.names?.includes(name));
  if (inside !== undefined) {
    return invalid(
      `${owner} has no option ${quote(name)}, but its option ${inside} has: pass { ${inside}: { ${name}: … } }`,
    );
  }
  if (ofTls.has(name.toLowerCase()) && !names.includes("key")) {
    const where = names.includes("tls")
      ? "TLS is its option tls: pass { tls: { … } }"
      : "TLS is the option tls of serve and createTransport (@tristream/node)";
    return invalid(`${owner} has no option ${quote(name)}: ${where}`);
  }
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? "" : ` did you mean ${quote(nearest)}?`;
  return invalid(`${owner} has no option ${quote(name)}:${hint} options are ${names.join(", ")}`);
}

/** A value in an error: itself if it is short, else what it is. */
function shown(value: unknown): string {
  if (typeof value === "string") return quote(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : describeValue(value);
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}

// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { checkField } from "./check-field.js";

/**
 * `Headers` that refuse what can't be sent at the line that sets it, by an error that names the header. (What `Headers` itself
 * refuses it does without a name.)
 */
export class CheckedHeaders extends Headers {
  private readonly code: Code;

  /**
   * `init`: undefined for none. Null is refused, with all else that is not headers: it is what a look-up that failed gives,
   * and a call must not go without the token that it was meant to have. `code`: the status of the error for a bad header;
   * a call that is given one is not what a server is that sets one.
   */
  constructor(init?: HeadersInit, code: Code = Code.InvalidArgument) {
    super();
    this.code = code;
    if (init === undefined) return;
    for (const [name, value] of readHeaders(init)) this.append(name, value);
  }

  override append(name: string, value: string): void {
    check(name, value, this.code);
    super.append(name, value);
  }

  override set(name: string, value: string): void {
    check(name, value, this.code);
    super.set(name, value);
  }
}

function check(name: unknown, value: unknown, code?: Code): void {
  // `Headers` drops white space around a value, which does no harm: a token read from a file ends in a line break.
  checkField(String(name).toLowerCase(), String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, ""), code);
}

const allowed = "give Headers, an array of [name, value], or an object of names and values";

function readHeaders(init: HeadersInit): Headers {
  if (init instanceof Headers) return init;
  const odd = oddity(init);
  if (odd !== null) throw refused(`headers are ${odd}: ${allowed}; or leave them out`);
  try {
    return new Headers(init);
  } catch (cause) {
    throw badEntry(init) ?? refused(`headers can't be read: ${textOf(cause)}: ${allowed}`, cause);
  }
}

/**
 * The kind of a value that can't be headers; null for one that may be. `Headers` itself reads a promise as no headers, and a function
 * as headers named `length` and `name`.
 */
function oddity(init: unknown): string | null {
  if (init === null) return "null";
  if (typeof init !== "object") return `a ${typeof init}`;
  return init instanceof Promise ? "a promise" : null;
}

/** The error that names the header because of which `Headers` refused them all, if there is one to be named. */
function badEntry(init: HeadersInit): ConnectError | null {
  try {
    const entries: Iterable<unknown> = Symbol.iterator in init ? init : Object.entries(init);
    for (const entry of entries) if (Array.isArray(entry)) check(entry[0], entry[1]);
  } catch (error) {
    if (error instanceof ConnectError) return error;
  }
  return null;
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function refused(message: string, cause?: unknown): ConnectError {
  return new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
}

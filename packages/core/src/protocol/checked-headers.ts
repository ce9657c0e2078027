// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { checkField } from "./check-field.js";

/**
 * `Headers` that refuse what can't be sent at the line that sets it, by an error that names the header. (What `Headers` itself
 * refuses it does without a name.)
 */
export class CheckedHeaders extends Headers {
  private readonly code: Code;

  /** `code`: the status of the error; a call that is given a bad header is not what a server is that sets one. */
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
  // White space around a value is dropped by `Headers`, and harms nobody: a token read from a file ends in a line break.
  checkField(String(name).toLowerCase(), String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, ""), code);
}

function readHeaders(init: HeadersInit): Headers {
  if (init instanceof Headers) return init;
  try {
    return new Headers(init);
  } catch (cause) {
    const entries: Iterable<unknown> = Symbol.iterator in init ? init : Object.entries(init);
    for (const entry of entries) if (Array.isArray(entry)) check(entry[0], entry[1]);
    throw unreadable(cause);
  }
}

function unreadable(cause: unknown): ConnectError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ConnectError(
    `headers can't be read: ${text}`,
    Code.InvalidArgument,
    undefined,
    undefined,
    cause,
  );
}

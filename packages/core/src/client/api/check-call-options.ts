// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import {
  anyValue,
  checkOptions,
  faultOfOptions,
  func,
  hasAll,
  type OptionKinds,
  timeout,
} from "../../options/check-options.js";
import { isThenable } from "../../runtime/iterator.js";
import type { SendOptions, TripleCallOptions } from "./call-options.js";
import type { Messages } from "./create-client.js";

/** The kinds of a call's options. The signal, the headers and the compression are checked where they are read. */
const callOptionKinds: OptionKinds<TripleCallOptions> = {
  timeoutMs: timeout,
  headers: anyValue,
  signal: anyValue,
  onHeader: func,
  onTrailer: func,
  contextValues: {
    accepts: (value) => hasAll(value, ["get", "set"]),
    wanted: "what createContextValues gives",
  },
  compress: anyValue,
  onCompressed: func,
};

/** The kinds of a message's options. */
const sendOptionKinds: OptionKinds<SendOptions> = { compress: anyValue };

/** The error that says what is wrong with the options of a call; null if nothing is. */
export function faultOfCallOptions(name: string, options: TripleCallOptions | null): ConnectError | null {
  return faultOfOptions(name, options, callOptionKinds);
}

/** Throws for invalid options of a message. */
export function checkSendOptions(name: string, options: SendOptions): void {
  checkOptions(`send() of ${name}`, options, sendOptionKinds);
}

const optionNames = Object.keys(callOptionKinds);

/** True if a value can be meant as options: an object without members, or with one that an option has. */
export function mayBeOptions(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  return optionNames.some((name) => name in value) || (Object.keys(value).length === 0 && !isThenable(value));
}

/** True if a value is an iterable, which a text is not. */
export function isMessages(value: unknown): value is Messages<unknown> {
  return (
    typeof value === "object" && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

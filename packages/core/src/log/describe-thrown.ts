// SPDX-License-Identifier: Apache-2.0
import { printable } from "../protocol/printable.js";

/** Characters of an error's text, and of its stack, that a log shows: the text may hold a message that a peer sent. */
const longest = 8192;

/**
 * A thrown value, for a log: an error with its stack, whose frames keep their lines. No other line break stays, since the error's text
 * may hold a peer's text. The value may be anything, also one without a text.
 */
export function describeThrown(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return printable(cut(`thrown value ${String(thrown)}`));
    const { message, stack } = thrown;
    if (typeof stack !== "string") return printable(cut(message));
    const at = message === "" ? -1 : stack.indexOf(message);
    if (at < 0) return printableStack(stack);
    const head = printable(stack.slice(0, at) + cut(message));
    return head + printableStack(stack.slice(at + message.length));
  } catch {
    return `a thrown ${typeof thrown} that has no text`;
  }
}

/** Keeps the line breaks in front of frames alone. */
function printableStack(stack: string): string {
  return cut(stack)
    .split(/\n(?= +at )/)
    .map(printable)
    .join("\n");
}

function cut(text: string): string {
  return text.length > longest
    ? `${text.slice(0, longest)}… (${text.length - longest} characters more)`
    : text;
}

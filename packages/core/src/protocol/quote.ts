// SPDX-License-Identifier: Apache-2.0
import { printable } from "./printable.js";

/** Characters of a peer's text that a message shows. */
const longest = 80;

/** A text in quotes, without control characters, cut to what a message may show: a peer may send kilobytes. */
export function quote(text: string): string {
  return printable(JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text));
}

// SPDX-License-Identifier: Apache-2.0

/** Characters of a peer's text that a message shows. */
const longest = 80;

/** A text in quotes, cut to what a message may show: a peer may send kilobytes. */
export function quote(text: string): string {
  return JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text);
}

// SPDX-License-Identifier: Apache-2.0

/** Characters of a peer's text that a message shows. */
const longest = 64;

/** Controls that JSON leaves as they are: DEL, C1, line and paragraph separators, bidirectional controls. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A peer's text in quotes, without control characters, cut to what a message may show. */
export function quote(text: string, most: number = longest): string {
  return JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text).replace(
    unprintable,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

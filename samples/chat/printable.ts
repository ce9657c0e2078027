// SPDX-License-Identifier: Apache-2.0

/** A peer's text for a terminal: control characters, which could move the cursor or forge a line, become escapes. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

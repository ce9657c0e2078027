// SPDX-License-Identifier: Apache-2.0

/**
 * Characters that change what a terminal or a log viewer shows: C0 with newline and ESC, DEL, C1, the line and paragraph separators,
 * and the bidirectional controls (Trojan Source, CVE-2021-42574).
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text on one line, for a log or a message: its control characters become escapes such as `\n` and `\u001b`. */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

/** Characters that a message shows of another error's text, which may hold what a peer sent. */
const longestReason = 500;

/** The text of an error that something else threw, for a message of ours: on one line, cut to what a message may show. */
export function reasonText(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return printable(text.length > longestReason ? `${text.slice(0, longestReason)}…` : text);
}

function escaped(c: string): string {
  return short[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

// SPDX-License-Identifier: Apache-2.0

import { printable } from "../protocol/printable.js";
import { contextFrom, rootContext } from "../runtime/async-context.js";
import { systemClock } from "../runtime/clock.js";
import { LineLimits, leftOutText } from "./line-limits.js";

const limits = new LineLimits<"warn">(systemClock, (_level, left) => write(leftOutText(left)));

/**
 * Tells a program of a mistake of its own that no call can report, on `console.warn`: at most 20 lines of a kind and method at once, and one
 * more each second. `kind` is a noun in the plural, `method` is `package.Service/Method`.
 */
export function warn(kind: string, method: string, text: () => string): void {
  if (limits.admit("warn", kind, method)) write(text());
}

/** Reports all lines that were left out, now. */
export function flushWarnings(): void {
  limits.flush();
}

function write(text: string): void {
  contextFrom(rootContext()).runInAsyncScope(console.warn, console, `tristream: ${printable(text)}`);
}

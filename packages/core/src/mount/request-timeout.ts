// SPDX-License-Identifier: Apache-2.0

import { parseTimeout } from "../dialects/grpc/timeout.js";
import { connectTimeout, grpcTimeout } from "../protocol/headers.js";

/** The longest delay of `setTimeout`. */
const longestDelay = 2 ** 31 - 1;

/** The timeout header for Connect in place of one longer than {@link longestDelay}: 24.8 days, rounded down. */
const longest: Readonly<Record<string, string>> = {
  [grpcTimeout]: `${Math.floor(longestDelay / 60_000)}M`,
  [connectTimeout]: `${longestDelay}`,
};

/**
 * The deadline that a request's headers set, in any protocol of Connect's. Undefined without a deadline, and for a malformed one, which
 * Connect answers. `header`: the headers for Connect. Connect's timers overflow at 24.8 days and would fire at once, so a longer
 * deadline is cut in `header`.
 */
export function requestTimeout(header: Headers): { timeoutMs: number | undefined; header: Headers } {
  for (const name of [grpcTimeout, connectTimeout]) {
    const value = header.get(name);
    if (value === null) continue;
    const timeoutMs = name === grpcTimeout ? parseTimeout(value) : parseMilliseconds(value);
    if (timeoutMs === undefined || timeoutMs <= longestDelay) return { timeoutMs, header };
    const cut = new Headers(header);
    cut.set(name, longest[name]!);
    return { timeoutMs: longestDelay, header: cut };
  }
  return { timeoutMs: undefined, header };
}

function parseMilliseconds(value: string): number | undefined {
  return /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}

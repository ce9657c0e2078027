// SPDX-License-Identifier: Apache-2.0
import { grpcTimeout } from "../../protocol/headers.js";
import { type Fields, withField } from "../../protocol/metadata.js";

/** Milliseconds of each unit that `grpc-timeout` may have (grpc/grpc doc/PROTOCOL-HTTP2.md). */
const units: Readonly<Record<string, number>> = { n: 1e-6, u: 1e-3, m: 1, S: 1000, M: 60_000, H: 3_600_000 };

/** At most 8 digits are allowed. */
const largest = 99_999_999;

/** The milliseconds that a `grpc-timeout` says, or undefined when it is not one. */
export function parseTimeout(value: string): number | undefined {
  const match = /^(\d{1,8})([numSMH])$/.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * units[match[2]!]!;
}

/**
 * A `grpc-timeout` for a time in milliseconds: the finest of m, S, M, H that fits 8 digits, rounded up, so that the
 * server never gives up before the client. Fractions below a millisecond count as one; 0 and less give `0m`.
 */
export function formatTimeout(timeoutMs: number): string {
  for (const unit of ["m", "S", "M"]) {
    const n = Math.max(0, Math.ceil(timeoutMs / units[unit]!));
    if (n <= largest) return `${n}${unit}`;
  }
  return `${Math.min(largest, Math.ceil(timeoutMs / units["H"]!))}H`;
}

/** The fields of a request with another `grpc-timeout`; null if that is the same. */
export function withTimeout(fields: Fields, timeoutMs: number): Fields | null {
  return withField(fields, grpcTimeout, formatTimeout(timeoutMs));
}

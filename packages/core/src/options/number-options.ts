// SPDX-License-Identifier: Apache-2.0
import type { OptionKind } from "./check-options.js";

/** The largest length of a length prefix (gRPC). */
export const largestMessage = 4_294_967_295;

/** The default of `maxHeldBytes` where no runtime says how large the heap is: 1 GiB. */
export const defaultHeldBytes = 1_073_741_824;

/**
 * The default of `readMaxElements`: one element in 32 bytes of a request, one in eight bytes of a response. A request of 4 MiB then takes
 * 12 ms to parse, and a response 150 to 230 ms, since the garbage collector copies that many objects several times. A client has asked
 * for its response, so it takes longer lists than a server.
 */
export function defaultMaxElements(reads: "requests" | "responses", readMaxBytes: number): number {
  return Math.max(1000, Math.floor(readMaxBytes / (reads === "requests" ? 32 : 8)));
}

/** A size in bytes, or a number of things, from `least` to 4,294,967,295. */
function sizeFrom(least: number): OptionKind {
  return {
    accepts: (value) => Number.isInteger(value) && isBetween(value, least, largestMessage),
    wanted: `an integer from ${least} to ${largestMessage}`,
  };
}

/** A size in bytes, or a number of things. */
export const size: OptionKind = sizeFrom(1);

/** A size that may be 0. */
export const sizeOrZero: OptionKind = sizeFrom(0);

/** A time without an upper limit. */
export const time: OptionKind = {
  accepts: (value) => isBetween(value, Number.MIN_VALUE, Number.POSITIVE_INFINITY),
  wanted: "milliseconds above 0, or Infinity for no limit",
};

/** An amount of memory in bytes. */
export const memory: OptionKind = {
  accepts: (value) =>
    (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) && (value as number) > 0,
  wanted: "an integer from 1, or Infinity for no limit",
};

/** True if a value is a number from `least` to `most`. */
function isBetween(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}

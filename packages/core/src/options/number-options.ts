// SPDX-License-Identifier: Apache-2.0
import { wrongArgument } from "./check-options.js";

/** The largest length of a length prefix (gRPC). */
export const largestMessage = 4_294_967_295;

/**
 * The default of `readMaxElements`: one element in 32 bytes of a request, one in eight bytes of a response. A request of 4 MiB then takes
 * 12 ms to parse, and a response 150 to 230 ms, since the garbage collector copies that many objects several times. A client has asked
 * for its response, so it takes longer lists than a server.
 */
export function defaultMaxElements(reads: "requests" | "responses", readMaxBytes: number): number {
  return Math.max(1000, Math.floor(readMaxBytes / (reads === "requests" ? 32 : 8)));
}

/** A size in bytes, from `least` to 4,294,967,295; throws `InvalidArgument` for anything else, but for undefined. */
export function sizeOption(name: string, value: number | undefined, least = 1): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && value >= least && value <= largestMessage) return value;
  throw wrongArgument(name, value, `an integer from ${least} to ${largestMessage}`);
}

/** A time of more than 0 ms, also Infinity; throws `InvalidArgument` for anything else, but for undefined. */
export function timeOption(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (typeof value === "number" && value > 0)) return value;
  throw wrongArgument(name, value, "milliseconds above 0, or Infinity for no limit");
}

/** An amount of memory in bytes, from 1, also Infinity; throws `InvalidArgument` for anything else, but for undefined. */
export function memoryOption(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value > 0) || value === Number.POSITIVE_INFINITY)
    return value;
  throw wrongArgument(name, value, "an integer from 1, or Infinity for no limit");
}

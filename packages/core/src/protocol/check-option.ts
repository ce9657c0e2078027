// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";

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
  throw new ConnectError(
    `${name} is ${value}: pass an integer from ${least} to ${largestMessage}`,
    Code.InvalidArgument,
  );
}

/** A time of more than 0 ms, also Infinity; throws `InvalidArgument` for anything else, but for undefined. */
export function timeOption(name: string, value: number | undefined): number | undefined {
  if (value === undefined || value > 0) return value;
  throw new ConnectError(
    `${name} is ${value}: pass milliseconds above 0, or Infinity for no limit`,
    Code.InvalidArgument,
  );
}

/** An amount of memory in bytes, from 1, also Infinity; throws `InvalidArgument` for anything else, but for undefined. */
export function memoryOption(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value > 0) || value === Number.POSITIVE_INFINITY)
    return value;
  throw new ConnectError(
    `${name} is ${value}: pass an integer from 1, or Infinity for no limit`,
    Code.InvalidArgument,
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { Interceptor } from "@connectrpc/connect";
import type { Compression } from "../../connect-private.js";
import { type FormatOptions, formatOptionKinds } from "../../engine/message/format-options.js";
import {
  clock,
  compression,
  compressions,
  flag,
  interceptors,
  type OptionKinds,
} from "../../options/check-options.js";
import { size, sizeOrZero } from "../../options/number-options.js";
import type { Clock } from "../../runtime/clock.js";

/** Options of a transport. Sizes are in bytes. */
export interface TransportOptions extends FormatOptions {
  /** Connect's interceptors, outermost first; those of a client are outside of them. */
  interceptors?: Interceptor[] | undefined;
  /** Largest message that is received, after decompression. Default 4,194,304 (4 MiB). Pair it with the server's `writeMaxBytes`. */
  readMaxBytes?: number | undefined;
  /**
   * Most elements of a message that is received: messages in it, strings and bytes in lists, entries of maps, and unknown fields. Each
   * takes an object of up to 200 bytes. A message with more ends its call with `ResourceExhausted`. Default: `readMaxBytes` / 8, at
   * least 1000, so 524,288.
   */
  readMaxElements?: number | undefined;
  /** Largest message that is sent, before compression. Default 4,294,967,295. */
  writeMaxBytes?: number | undefined;
  /** Compressions that responses may come with. Default none here; `@tristream/node` adds gzip. */
  acceptCompression?: Compression[] | undefined;
  /** Compression of requests. Default none. */
  sendCompression?: Compression | undefined;
  /** Requests below this size are not compressed. Default 1024. */
  compressMinBytes?: number | undefined;
  /** Sends JSON (`application/grpc+json`) instead of binary messages. Default false. */
  useJson?: boolean | undefined;
  /**
   * The clock of deadlines. Default: the runtime's, which a test's fake timers don't stop. For tests: `createClock` of
   * `@tristream/testing`.
   */
  clock?: Clock | undefined;
}

/** The kinds of {@link TransportOptions}. */
export const transportOptionKinds: OptionKinds<TransportOptions> = {
  ...formatOptionKinds,
  interceptors,
  readMaxBytes: size,
  readMaxElements: size,
  writeMaxBytes: size,
  acceptCompression: compressions,
  sendCompression: compression,
  compressMinBytes: sizeOrZero,
  useJson: flag,
  clock,
};

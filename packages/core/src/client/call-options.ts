// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "@connectrpc/connect";
import type { OrUndefined } from "../protocol/or-undefined.js";

/** Options of a call: Connect's, and those that Triple adds. */
export interface TripleCallOptions extends OrUndefined<Omit<CallOptions, "onHeader" | "onTrailer">> {
  /**
   * Called with the response's headers: when they come, or, of a unary call, when it ends. Of a failed call too, before it
   * rejects. Not called for a Trailers-Only answer. Over a transport of Connect's own, not for a unary call that fails.
   */
  onHeader?: ((headers: globalThis.Headers) => void) | undefined;
  /**
   * Called with the response's trailers when the call ends. Of a failed call too, before it rejects. Not called for a call
   * that ends without trailers. Over a transport of Connect's own, not for a call that fails.
   */
  onTrailer?: ((trailers: globalThis.Headers) => void) | undefined;
  /**
   * Whether the call's request messages are compressed. True compresses small ones too, and needs `sendCompression` of the
   * transport, else the call fails with `FailedPrecondition`; false compresses none. Default: those from `compressMinBytes`
   * on, if the transport has `sendCompression`.
   */
  compress?: boolean | undefined;
  /**
   * Called with whether the response message came compressed, of a call that has exactly one: after `onHeader` of a unary
   * call, before the message is handed out of a client stream. Streams have `responseCompressed` on their handle. Not called
   * where it isn't known: over a transport of Connect's own, or when an interceptor answered.
   */
  onCompressed?: ((compressed: boolean) => void) | undefined;
}

/** Options of one message that a handle sends. */
export interface SendOptions {
  /** Whether this message is compressed, as {@link TripleCallOptions.compress}, which it comes before. Default: that. */
  compress?: boolean | undefined;
}

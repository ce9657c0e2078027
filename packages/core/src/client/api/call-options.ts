// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "@connectrpc/connect";
import type { OrUndefined } from "../../protocol/or-undefined.js";

/** Options of a call: Connect's, and those that Triple adds. */
export interface TripleCallOptions extends OrUndefined<Omit<CallOptions, "onHeader" | "onTrailer">> {
  /**
   * Called with the response's headers: when they arrive, or, for a unary call, when the call ends. A failed call calls it before it
   * rejects. Not called for a Trailers-Only answer. Over a transport of Connect's own, not called for a unary call that fails.
   */
  onHeader?: ((headers: globalThis.Headers) => void) | undefined;
  /**
   * Called with the response's trailers when the call ends. A failed call calls it before it rejects. Not called for a call
   * without trailers. Over a transport of Connect's own, not called for a call that fails.
   */
  onTrailer?: ((trailers: globalThis.Headers) => void) | undefined;
  /**
   * Compression of the call's request messages. True compresses small messages too; without `sendCompression` of the
   * transport the call then fails with `FailedPrecondition`. False compresses none. Default: messages of at least
   * `compressMinBytes` are compressed if the transport has `sendCompression`.
   */
  compress?: boolean | undefined;
  /**
   * For calls with exactly one response message: called with true if that message came compressed, else false. A unary call calls it after
   * `onHeader`, a client stream before it hands out the message. Other streams have `responseCompressed` on their handle. Not called
   * over a transport of Connect's own, or when an interceptor answered.
   */
  onCompressed?: ((compressed: boolean) => void) | undefined;
}

/** Options of one message that a handle sends. */
export interface SendOptions {
  /** Compression of this message. Default: {@link TripleCallOptions.compress}. */
  compress?: boolean | undefined;
}

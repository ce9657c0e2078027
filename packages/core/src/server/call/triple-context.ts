// SPDX-License-Identifier: Apache-2.0
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { Peer } from "../../carrier/connection.js";

/** A handler's view of its call: Connect's `HandlerContext` with Triple's additions. */
export interface TripleContext extends HandlerContext {
  /** The service group that the client asked for; empty if none. */
  readonly group: string;
  /** The service version that the client asked for; empty if none. */
  readonly version: string;
  /** The calling end of the connection. */
  readonly peer: Peer;
  /**
   * Sends the response headers now instead of with the first message. Later changes of `responseHeader` are not
   * sent. (Setting a header that can't be sent throws a `ConnectError`, `InvalidArgument`, there and on `responseTrailer`.)
   */
  readonly sendHeaders: () => void;
  /** Fires when the server begins to shut down. The call may go on until the grace time ends. */
  readonly shutdownSignal: AbortSignal;
  /**
   * True if the last request message that the handler got came compressed (the flag in its gRPC frame). In a stream, the message of
   * the last read counts. Undefined before the first message, and under an adapter of Connect's, which doesn't say.
   */
  readonly requestCompressed: boolean | undefined;
  /**
   * Compression of all response messages that are yielded or returned until this is set again. True
   * compresses small messages too, with the first compression in `acceptCompression` that the client accepts; if the client accepts
   * none, the messages are sent as they are. Default: undefined, which leaves it to `compressResponses` and `compressMinBytes`.
   *
   * Setting true throws a `ConnectError`, `Internal`, if the server has no compression, or if the headers have left without one: set it
   * (to true or false) before the first message, or set `compressResponses`. Under an adapter of Connect's, setting anything but the
   * adapter's own behaviour throws.
   */
  compress: boolean | undefined;
}

/**
 * A service's implementation: a function per method. Connect's `ServiceImpl` with {@link TripleContext}; a stock
 * `ServiceImpl` fits unchanged. An instance of a class will do. An rpc `HasOwnProperty` may be left out: the member of that name
 * that each object has implements nothing.
 */
export type TripleServiceImpl<Desc extends DescService> = {
  [P in keyof Desc["method"]]: TripleMethodImpl<Desc["method"][P]> | MemberOfObject<P>;
};

/** The type of a class's member before the class implements a method of that name; never for other names. */
// biome-ignore lint/complexity/noBannedTypes: the members that each object has are meant.
type MemberOfObject<P> = P extends keyof Object ? Object[P] : never;

/** The implementation of one method, by its kind. */
export type TripleMethodImpl<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: TripleContext) => Promise<MessageInitShape<O>> | MessageInitShape<O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: TripleContext) => AsyncIterable<MessageInitShape<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageShape<I>>, context: TripleContext) => Promise<MessageInitShape<O>>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? (
              requests: AsyncIterable<MessageShape<I>>,
              context: TripleContext,
            ) => AsyncIterable<MessageInitShape<O>>
          : never;

// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import type { Compression } from "../../connect-private.js";
import type { MessageCodec } from "../message/message-codec.js";
import type { WriteCompression } from "../message/message-writer.js";
import type { ServerCall } from "./server-call.js";
import type { ResponseShape } from "./server-response.js";

/** A method as the engine serves it. */
export interface ServerMethod {
  /** `package.Service/Method`, for messages. */
  readonly name: string;
  /** The request is a stream: the handler begins with the headers. Otherwise with the one message. */
  readonly requestStream: boolean;
  readonly request: MessageCodec<never, unknown>;
  readonly response: MessageCodec<unknown, unknown>;
  readonly readMaxBytes: number;
  readonly writeMaxBytes: number;
  /** Runs the handler with the message, or with the reader. It answers by the call's methods, and must not throw. */
  invoke(call: ServerCall, input: unknown): void;
}

/** The meaning of a request's headers, derived once per distinct list of a connection. */
export interface RequestHead extends ResponseShape {
  /** The called URL, as interceptors and handlers see it. */
  readonly url: string;
  readonly method: ServerMethod | null;
  /** Why the call can't be served; null if it can. */
  readonly refusal: ConnectError | null;
  readonly timeoutMs: number | undefined;
  /** The generation of the routes when this head was derived: it holds until a route is added. */
  readonly generation: number;
  readonly readCompression: Compression | null;
  /** The compression of responses; null: none, unless the handler chooses one before the headers leave. */
  readonly writeCompression: WriteCompression | null;
  /** The compression for a handler's choice; null: the client accepts none that the server has. */
  readonly offeredCompression: WriteCompression | null;
}

// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { DeadlineWheel } from "../../engine/call/deadline.js";
import type { Next } from "../call/call-request.js";

/** How a client wants a method to be called. */
export interface MethodSettings {
  readonly group: string;
  readonly version: string;
  /** The service's name on the wire. */
  readonly serviceName: string;
  /** Headers of every call: name, value, name, value … */
  readonly headers: readonly string[];
}

/** A method of a transport, ready to be called. */
export interface PreparedMethod {
  /** Makes the call that a request describes, inside the transport's interceptors. */
  readonly call: Next;
  /** The URL that interceptors see, as far as it is known. */
  readonly url: string;
  /** Throws if the transport can't compress a message by choice. */
  checkCompress(compress: boolean): void;
  /** The deadlines by the transport's clock. */
  readonly deadlines: DeadlineWheel;
}

/** The door to the engine on a transport of ours; not for users. */
export const prepareMethod: unique symbol = Symbol.for("tristream.prepareMethod") as never;

/** A transport of ours, as Connect's `Transport` and as the engine's client. */
export interface EngineTransport extends Transport {
  /** Group and version that the transport's URL asks for. */
  readonly defaults: { readonly group: string; readonly version: string };
  /** Makes a method ready; what depends on it alone is worked out once. */
  [prepareMethod](method: DescMethod, settings: MethodSettings): PreparedMethod;
}

/** True if a transport is ours. */
export function isEngineTransport(transport: Transport): transport is EngineTransport {
  return prepareMethod in transport;
}

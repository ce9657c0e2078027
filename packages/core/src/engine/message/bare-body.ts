// SPDX-License-Identifier: Apache-2.0
import { Code } from "@connectrpc/connect";
import type { HeaderList } from "../../carrier/byte-stream.js";
import type { Compression } from "../../connect-private.js";
import { errorFromThrown } from "../../log/thrown.js";
import { contentLength } from "../../protocol/headers.js";
import { choiceOf } from "./compress-choice.js";
import { type MessageCodec, serializeMessage } from "./message-codec.js";

/** The one message of a bare request or response. */
export interface BareBody {
  /** The message, serialised. */
  readonly bytes: Uint8Array;
  /** The compression of `bytes`: of a request, to be compressed; of a response, compressed. Null for none. */
  readonly compression: Compression | null;
}

/** The length that the head of a bare body announces; undefined if it doesn't. */
export function announcedLength(head: HeaderList): number | undefined {
  const length = Number(head.get(contentLength) ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

/** How a method's requests are serialised. */
export interface BareRequests {
  readonly request: MessageCodec<unknown, unknown>;
  readonly writeMaxBytes: number;
  readonly writeCompression: { readonly compression: Compression; readonly minBytes: number } | null;
}

/**
 * The body of a bare request, before its head is sent, which says whether the body is compressed. `compress`: the call's choice. Throws a
 * `ConnectError` for a message that can't be sent.
 */
export function bareRequest(method: BareRequests, message: unknown, compress: boolean | undefined): BareBody {
  let bytes: Uint8Array;
  try {
    bytes = serializeMessage(method.request, message, method.writeMaxBytes);
  } catch (error) {
    throw errorFromThrown(error, Code.Internal);
  }
  const how = method.writeCompression;
  const compresses = how !== null && (choiceOf(message) ?? compress ?? bytes.length >= how.minBytes);
  return { bytes, compression: compresses ? how.compression : null };
}

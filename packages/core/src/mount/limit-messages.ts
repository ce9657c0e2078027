// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { ElementCounter } from "@tristream/codec";
import type { UniversalHandler, UniversalServerRequest } from "../connect-private.js";
import { jsonElements, jsonWeights } from "../engine/message/json-elements.js";
import { counting } from "../engine/message/too-many-elements.js";
import { contentType } from "../protocol/headers.js";
import type { MessageFormat } from "../protocol/message-format.js";
import { BareMessage, EnvelopedMessages } from "./limited-body.js";

/** The limits of a registration's request messages. */
export interface MessageLimits {
  readonly readMaxBytes: number;
  readonly readMaxElements: number;
}

/** The handlers of Connect for one registration, by the format of the requests that they parse. */
export type HandlersByFormat = Readonly<Record<MessageFormat, UniversalHandler>>;

/** Picks the handler by the format of a request, and limits the elements of binary messages that come uncompressed. */
export function limitMessages(
  handlers: HandlersByFormat,
  { input }: DescMethod,
  limits: MessageLimits,
): UniversalHandler {
  const handle = (req: UniversalServerRequest) => {
    const format = formatOf(req);
    const handler = handlers[format];
    if (!isByteStream(req.body)) return handler(req);
    const counter = format === "json" ? null : () => new ElementCounter(input, limits.readMaxElements);
    const messages = isEnveloped(req.header)
      ? new EnvelopedMessages(req.body, counter, limits.readMaxBytes)
      : new BareMessage(req.body, hasEncoding(req.header) ? null : counter);
    return handler({ ...req, body: messages });
  };
  const { service, method, requestPath, allowedMethods, supportedContentType, protocolNames } =
    handlers.proto;
  const described = { service, method, requestPath, allowedMethods, supportedContentType, protocolNames };
  return Object.assign(handle, described);
}

/** Counts the elements of a whole binary message. Throws a `ConnectError` for too many. */
export function countBinary({ input }: DescMethod, bytes: Uint8Array, maxElements: number): void {
  counting(bytes.length, () => new ElementCounter(input, maxElements).count(bytes, 0, bytes.length));
}

/** A decoder for Connect's JSON that counts the elements of a message first. Throws a `ConnectError` for too many. */
export function countingDecoder({ input }: DescMethod, maxElements: number): Pick<TextDecoder, "decode"> {
  const decoder = new TextDecoder();
  const weights = jsonWeights(input);
  return {
    decode(bytes: Uint8Array) {
      counting(bytes.length, () => jsonElements(bytes, 0, bytes.length, maxElements, weights));
      return decoder.decode(bytes);
    },
  };
}

function formatOf({ header, url }: UniversalServerRequest): MessageFormat {
  const type = header.get(contentType) ?? "";
  // The GET requests of Connect's protocol have their message in the URL.
  if (type !== "") return /[/+]json\b/.test(type) ? "json" : "proto";
  return new URL(url, "http://localhost").searchParams.get("encoding") === "json" ? "json" : "proto";
}

/** False for the unary calls of Connect's protocol: their body is the message. */
function isEnveloped(header: Headers): boolean {
  return /^application\/(grpc|connect)/.test(header.get(contentType) ?? "");
}

function hasEncoding(header: Headers): boolean {
  const encoding = header.get("content-encoding") ?? "identity";
  return encoding !== "" && encoding !== "identity";
}

function isByteStream(body: UniversalServerRequest["body"]): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { copyViews } from "../../engine/message/copy-views.js";
import { thrownConnectError } from "../../log/thrown.js";
import { grpcStatus } from "../../protocol/headers.js";

/**
 * The texts with which Connect reports an unreadable response as `InvalidArgument`: connect-es `protocol/async-iterable.ts`,
 * `protocol-connect/transport.ts`, `protocol-grpc-web/transport.ts`, and connect-node `compression.ts`. An error that the server
 * sent has gRPC's status in its metadata, and no cause.
 */
const unreadableFraming =
  /^(?:protocol error: (?:incomplete envelope|promised \d+ bytes|missing EndStreamResponse|received extra|extra data)|failed to parse EndStreamResponse|unexpected end flag)/;

/** The texts for unreadable content of a message. Connect keeps the cause of these errors. */
const unreadableContent = /^(?:decompression failed$|cannot decode )/;

/**
 * The error of a call over a foreign transport. An unreadable response is `Internal`, as over our own transports. Connect's
 * transports report some as `InvalidArgument`, since they share the code that reads requests. Other errors stay as they are.
 */
export function foreignError(thrown: unknown): unknown {
  const error = thrownConnectError(thrown);
  if (error === null || error.code !== Code.InvalidArgument || error.metadata.has(grpcStatus)) return thrown;
  const ofContent = error.cause !== undefined && unreadableContent.test(error.rawMessage);
  if (!ofContent && !unreadableFraming.test(error.rawMessage)) return thrown;
  return new ConnectError(error.rawMessage, Code.Internal, error.metadata, undefined, error);
}

/** The messages of a response. They own their bytes, and their errors are {@link foreignError}s. */
export function ownedMessages<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new OwnedMessages(messages[Symbol.asyncIterator]()) };
}

class OwnedMessages<T> implements AsyncIterator<T> {
  private readonly source: AsyncIterator<T>;

  constructor(source: AsyncIterator<T>) {
    this.source = source;
  }

  async next(): Promise<IteratorResult<T>> {
    try {
      const result = await this.source.next();
      if (result.done !== true) copyViews(result.value);
      return result;
    } catch (error) {
      throw foreignError(error);
    }
  }

  async return(value?: unknown): Promise<IteratorResult<T>> {
    return (await this.source.return?.(value)) ?? { done: true, value };
  }
}

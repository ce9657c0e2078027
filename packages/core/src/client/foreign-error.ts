// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { ownBytes } from "../engine/own-bytes.js";
import { thrownConnectError } from "../engine/thrown.js";
import { grpcStatus } from "../protocol/headers.js";

/**
 * Connect's texts with `InvalidArgument` for a response that it can't read: connect-es `protocol/async-iterable.ts`,
 * `protocol-connect/transport.ts`, `protocol-grpc-web/transport.ts`, and connect-node `compression.ts`. An error that the server
 * sent has gRPC's status in its metadata, and no cause.
 */
const unreadableFraming =
  /^(?:protocol error: (?:incomplete envelope|promised \d+ bytes|missing EndStreamResponse|received extra|extra data)|failed to parse EndStreamResponse|unexpected end flag)/;

/** The same, for what a message holds: of those, Connect keeps the cause. */
const unreadableContent = /^(?:decompression failed$|cannot decode )/;

/**
 * What a call over a foreign transport fails with. A response that can't be read is `Internal`, as over our own transports;
 * Connect's transports say `InvalidArgument` of some, since they share the code that reads requests. Anything else stays as it is.
 */
export function foreignError(thrown: unknown): unknown {
  const error = thrownConnectError(thrown);
  if (error === null || error.code !== Code.InvalidArgument || error.metadata.has(grpcStatus)) return thrown;
  const ofContent = error.cause !== undefined && unreadableContent.test(error.rawMessage);
  if (!ofContent && !unreadableFraming.test(error.rawMessage)) return thrown;
  return new ConnectError(error.rawMessage, Code.Internal, error.metadata, undefined, error);
}

/** The messages of a response: they own their bytes, and their errors are {@link foreignError}s. */
export function foreignMessages<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new ForeignMessages(messages[Symbol.asyncIterator]()) };
}

class ForeignMessages<T> implements AsyncIterator<T> {
  private readonly source: AsyncIterator<T>;

  constructor(source: AsyncIterator<T>) {
    this.source = source;
  }

  async next(): Promise<IteratorResult<T>> {
    try {
      const result = await this.source.next();
      if (result.done !== true) ownBytes(result.value);
      return result;
    } catch (error) {
      throw foreignError(error);
    }
  }

  async return(value?: unknown): Promise<IteratorResult<T>> {
    return (await this.source.return?.(value)) ?? { done: true, value };
  }
}

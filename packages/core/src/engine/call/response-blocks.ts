// SPDX-License-Identifier: Apache-2.0
import type { HeaderBlock } from "../../carrier/byte-stream.js";
import type { Connection } from "../../carrier/connection.js";
import type { Dialect } from "../../dialects/dialect.js";
import type { MessageFormat } from "../../protocol/message-format.js";

/** The ready header blocks of one dialect's responses, on one connection. */
export interface ResponseBlocks {
  /** The head of a plain response. */
  readonly head: Readonly<Record<MessageFormat, HeaderBlock>>;
  /** See {@link ServerDialect.okTrailers}. */
  readonly okTrailers: HeaderBlock | null;
}

/** Prepares the header blocks of a dialect. `acceptEncoding` lists the server's compressions. */
export function prepareBlocks(
  connection: Connection,
  { server }: Dialect,
  acceptEncoding: string,
): ResponseBlocks {
  const head = (format: MessageFormat): HeaderBlock =>
    connection.prepare(server.formatHead(format, acceptEncoding));
  return {
    head: { proto: head("proto"), json: head("json") },
    okTrailers: server.okTrailers === null ? null : connection.prepare(server.okTrailers),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "../../connect-private.js";
import { reasonText } from "../../protocol/printable.js";
import { parseTurns } from "./parse-turns.js";

/**
 * Decompresses a message. Rejects with `ResourceExhausted` when more than `maxBytes` come out, and with `unreadable` when
 * it can't be decompressed, whatever the compression itself throws. Resolves in an event-loop turn that has room to parse the message.
 */
export async function decompress(
  compression: Compression,
  bytes: Uint8Array,
  maxBytes: number,
  unreadable: Code,
): Promise<Uint8Array<ArrayBuffer>> {
  let decompressed: Uint8Array<ArrayBuffer> | null = null;
  try {
    decompressed = await compression.decompress(bytes, maxBytes);
  } catch (cause) {
    if (!(cause instanceof ConnectError) || cause.code !== Code.ResourceExhausted)
      throw decompressError(cause, unreadable);
  }
  if (decompressed !== null && decompressed.length <= maxBytes) {
    const turn = parseTurns.enter(decompressed.length);
    if (turn !== null) await turn;
    return decompressed;
  }
  throw new ConnectError(
    `message of ${bytes.length} compressed bytes is larger than the limit of ${maxBytes} when decompressed: raise readMaxBytes where it is received`,
    Code.ResourceExhausted,
  );
}

function decompressError(cause: unknown, code: Code): ConnectError {
  // Connect's compressions say "decompression failed", and why in the cause.
  const reason = cause instanceof ConnectError && cause.cause instanceof Error ? cause.cause : cause;
  return new ConnectError(
    `compressed message can't be decompressed: ${reasonText(reason)}`,
    code,
    undefined,
    undefined,
    cause,
  );
}

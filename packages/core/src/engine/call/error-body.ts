// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import type { ByteStream } from "../../carrier/byte-stream.js";
import type { Compression } from "../../connect-private.js";
import { decompress } from "../message/decompress.js";

/** Collects the body of a response that is an error. A body beyond the limit is dropped; then its head says all that is known. */
export class ErrorBody {
  /** The error as far as the head says it. */
  readonly error: ConnectError;
  readonly compression: Compression | null;
  private readonly stream: ByteStream;
  private readonly maxBytes: number;
  private chunks: Uint8Array[] = [];
  private length = 0;

  constructor(stream: ByteStream, maxBytes: number, error: ConnectError, compression: Compression | null) {
    this.stream = stream;
    this.maxBytes = maxBytes;
    this.error = error;
    this.compression = compression;
  }

  feed(b: Uint8Array, start: number, end: number): void {
    this.length += end - start;
    if (this.length <= this.maxBytes) this.chunks.push(new Uint8Array(b.subarray(start, end)));
    else this.chunks = [];
    this.stream.credit(end - start);
  }

  /** The whole body. Rejects if it can't be decompressed. */
  async decompressed(): Promise<Uint8Array> {
    const bytes = this.bytes();
    if (this.compression === null || bytes.length === 0) return bytes;
    return decompress(this.compression, bytes, this.maxBytes, Code.Internal);
  }

  private bytes(): Uint8Array {
    const bytes = new Uint8Array(this.chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }
}

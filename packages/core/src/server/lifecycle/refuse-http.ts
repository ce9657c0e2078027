// SPDX-License-Identifier: Apache-2.0
import type { ByteStream, StreamSink } from "../../carrier/byte-stream.js";
import { contentType, pseudoStatus } from "../../protocol/headers.js";
import type { HttpRefusal } from "../routing/request-head.js";

const encoder = new TextEncoder();

/** Body of a request that is refused which is read before the answer; HTTP clients expect one behind their request. */
const drainedUpTo = 1_048_576;

/** Reads and drops the body of a request in no dialect of the server, then says so. */
export class RefusalSink implements StreamSink {
  private readonly stream: ByteStream;
  private readonly refusal: HttpRefusal;
  private dropped = 0;

  constructor(stream: ByteStream, refusal: HttpRefusal) {
    this.stream = stream;
    this.refusal = refusal;
  }

  data(_b: Uint8Array, start: number, end: number): void {
    this.stream.credit(end - start);
    this.dropped += end - start;
    if (this.dropped > drainedUpTo) this.end();
  }

  trailers(): void {
    this.end();
  }

  end(): void {
    refuseHttp(this.stream, this.refusal);
  }

  headers(): void {}

  reset(): void {}

  writable(): void {}
}

/** Answers a request with an HTTP status and a text. */
export function refuseHttp(stream: ByteStream, refusal: HttpRefusal): void {
  const body = encoder.encode(`${refusal.text}\n`);
  stream.sendHeaders(
    [
      pseudoStatus,
      String(refusal.httpStatus),
      contentType,
      "text/plain; charset=utf-8",
      "content-length",
      String(body.length),
      ...refusal.fields,
    ],
    false,
  );
  stream.write(body, true);
  stream.close();
}

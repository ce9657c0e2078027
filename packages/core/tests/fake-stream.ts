// SPDX-License-Identifier: Apache-2.0
import type { ByteStream, OutgoingHeaders, StreamSink } from "../src/carrier/byte-stream.js";

/** A stream without a connection: it keeps what is written, and has room as the test says. */
export class FakeStream implements ByteStream {
  sink: StreamSink = { headers() {}, data() {}, trailers() {}, end() {}, reset() {}, writable() {} };
  closed = false;
  remoteEnded = false;
  queuedBytes = 0;
  readonly maxHeaderListSize = Number.POSITIVE_INFINITY;
  readonly buffer: Uint8Array = new Uint8Array(65_536);
  /** All bytes that were written. */
  written: number[] = [];
  /** Bytes that were given back, and those that were announced. */
  credited = 0;
  expected = 0;
  /** The result of writes: true if there is room for more. */
  roomy = true;
  /** The lengths of the messages whose parsing was counted. */
  readonly parsed: number[] = [];
  /** How often a place was given back. */
  unreserved = 0;
  /** True if `reserve` gives places. */
  places = true;
  ended = false;

  sendHeaders(_headers: OutgoingHeaders, end: boolean): void {
    this.ended ||= end;
  }

  reserve(length: number): number {
    return this.places && length + 100 <= this.buffer.length ? 100 : -1;
  }

  unreserve(): void {
    this.unreserved++;
  }

  commit(length: number, end: boolean): boolean {
    return this.write(this.buffer.slice(100, 100 + length), end);
  }

  write(bytes: Uint8Array, end: boolean): boolean {
    for (const byte of bytes) this.written.push(byte);
    this.ended ||= end;
    return this.roomy;
  }

  sendEnd(): void {
    this.ended = true;
  }

  sendTrailers(): void {
    this.ended = true;
  }

  parses(bytes: number): void {
    this.parsed.push(bytes);
  }

  credit(n: number): void {
    this.credited += n;
  }

  messageNeeds(n: number): void {
    this.expected += n;
  }

  hold(): void {}

  release(): void {}

  reset(): void {
    this.closed = true;
  }

  close(): void {}
}

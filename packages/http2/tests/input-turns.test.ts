// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded work. One connection's input does not fill a turn of the event loop.
// Mutant: http2/src/receive/input-turns.ts # if (--this.streamsLeft <= 0) this.reader.yield(); => --this.streamsLeft;
// Mutant: http2/src/receive/input-turns.ts # at + Math.max(this.bytesLeft, chunkAtMost) => at + bytes.length
// Mutant: http2/src/receive/input-turns.ts # if (this.bytesLeft <= 0 || this.streamsLeft <= 0 || this.parsedLeft <= 0) this.pauseUntilNextTurn(); => if (false) this.pauseUntilNextTurn();
// Mutant: http2/src/receive/input-turns.ts # if (this.paused || this.kept.length > 0) { => if (false) {
// Mutant: http2/src/receive/input-turns.ts # if (!this.paused || this.outputWaits) return; => if (!this.paused) return;
// Mutant: http2/src/receive/input-turns.ts # this.bytesLeft * 2 <= this.maxBytes || this.streamsLeft * 2 <= this.maxStreams => false
// Mutant: http2/src/connection/connection-end.ts # if (!state.over) this.readRest();
// Mutant: http2/src/connection/connection.ts # settings.received && !input.paused && => settings.received &&
// Mutant: http2/src/receive/input-turns.ts # if (this.parsedLeft <= 0) this.reader.yield();
// Mutant: http2/src/receive/input-turns.ts # || this.parsedLeft <= 0) this.pauseUntilNextTurn(); => ) this.pauseUntilNextTurn();
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import type { Http2Options } from "../src/connection/options.js";
import { data, headers, join, ping, request, response, rst, windowUpdate } from "./frames.js";
import { Subject } from "./subject.js";

const requests = (first: number, count: number): Uint8Array =>
  join(...Array.from({ length: count }, (_, n) => headers(first + 2 * n, request, { end: true })));

/** How many requests were heard. */
const heard = (subject: Subject): number => subject.log.filter((line) => line.includes("request")).length;

/** A server that answers nothing, with what it reads in a turn. */
const server = (options: Http2Options): Subject => new Subject("server", options).greet();

describe("a turn of the event loop", () => {
  it("reads maxStreamsPerTurn new streams of a connection, and the next turns the others in order", () => {
    const subject = server({ maxStreamsPerTurn: 3 });
    subject.connection.receive(join(requests(1, 7), ping("12345678")));
    expect([heard(subject), subject.link.paused]).toEqual([3, true]);
    subject.link.turn();
    expect([heard(subject), subject.link.paused]).toEqual([6, true]);
    expect(subject.sent()).toEqual([]);
    subject.link.turn();
    expect([heard(subject), subject.link.paused]).toEqual([7, false]);
    expect(subject.sent()).toEqual(["PING ACK"]);
    expect(subject.log.map((line) => Number.parseInt(line, 10))).toEqual([1, 3, 5, 7, 9, 11, 13]);
  });

  it("reads maxBytesPerTurn, and at most 64 KiB more", () => {
    const subject = server({ maxBytesPerTurn: 1000 });
    subject.receive(headers(1, request));
    const frames = Array.from({ length: 6 }, () => data(1, 16_384 - 9));
    subject.connection.receive(join(...frames));
    expect(subject.log.at(-1)).toBe(`1 data ${4 * (16_384 - 9)}`);
    expect(subject.link.paused).toBe(true);
    subject.link.turn();
    expect(subject.log.at(-1)).toBe(`1 data ${6 * (16_384 - 9)}`);
  });

  it("counts small chunks together, and keeps those that a link delivers all the same", () => {
    const subject = server({ maxBytesPerTurn: 40 });
    for (let n = 0; n < 8; n++) subject.connection.receive(ping(`1234567${n}`));
    expect(subject.link.paused).toBe(true);
    subject.link.endTurn();
    expect(subject.sent()).toEqual(["PING ACK", "PING ACK", "PING ACK"]);
    subject.link.turn();
    expect(subject.sent()).toEqual(["PING ACK", "PING ACK", "PING ACK"]);
    subject.quiesce();
    expect(subject.sent()).toEqual(["PING ACK", "PING ACK"]);
    expect(subject.link.paused).toBe(false);
  });

  it("is not asked for by a connection with little input, and frees the budget of one with more", () => {
    const subject = server({ maxBytesPerTurn: 200 });
    subject.connection.receive(ping("12345678"));
    subject.link.endTurn();
    expect(subject.link.turn()).toBe(false);
    for (let n = 0; n < 30; n++) {
      subject.connection.receive(ping("12345678"));
      expect(subject.link.paused).toBe(false);
      subject.link.turn();
    }
  });

  it("reads no further once it has parsed maxBytesPerTurn, whenever those messages had arrived", () => {
    const subject = server({ maxBytesPerTurn: 1000 });
    subject.serve = (stream) => stream.parses(400);
    subject.connection.receive(requests(1, 7));
    expect([heard(subject), subject.link.paused]).toEqual([3, true]);
    subject.link.turn();
    expect([heard(subject), subject.link.paused]).toEqual([6, true]);
    subject.link.turn();
    expect([heard(subject), subject.link.paused]).toEqual([7, false]);
    // The last one of a chunk spends the rest: the next chunk waits.
    const other = server({ maxBytesPerTurn: 1000 });
    other.serve = (stream) => stream.parses(1000);
    other.connection.receive(requests(1, 1));
    other.connection.receive(requests(3, 1));
    expect([heard(other), other.link.paused]).toEqual([1, true]);
    other.link.turn();
    expect(heard(other)).toBe(2);
  });

  it("holds for a client, too", () => {
    const subject = new Subject("client", { maxBytesPerTurn: 1000 }).greet();
    const { id } = subject.open();
    const frames = [headers(id, response), ...Array.from({ length: 6 }, () => data(id, 16_384 - 9))];
    subject.connection.receive(join(...frames));
    expect(subject.log.at(-1)).toBe(`${id} data ${65_536 - frames[0]!.length - 4 * 9}`);
    subject.quiesce();
    expect(subject.log.at(-1)).toBe(`${id} data ${6 * (16_384 - 9)}`);
  });
});

describe("input that is kept for the next turn", () => {
  it("waits until the peer has taken its output, as unread input does", () => {
    const subject = new Subject("server", { maxStreamsPerTurn: 1, maxUnreadOutput: 65_536 });
    subject.greet(4, 2 ** 31 - 1);
    subject.receive(windowUpdate(0, 2 ** 30));
    subject.link.fast = false;
    subject.serve = (stream) => {
      stream.sendHeaders(response, false);
      stream.write(new Uint8Array(100_000), true);
    };
    subject.connection.receive(requests(1, 2));
    subject.quiesce();
    expect([heard(subject), subject.link.paused]).toEqual([1, true]);
    subject.link.drain();
    expect([heard(subject), subject.link.paused]).toEqual([1, true]);
    subject.quiesce();
    expect(heard(subject)).toBe(2);
  });

  it("is read when the link closes: what the peer had sent counts", () => {
    const subject = new Subject("client", { maxBytesPerTurn: 1 }).greet();
    const { id } = subject.open(request, true);
    subject.link.endTurn();
    subject.connection.receive(headers(id, response));
    subject.connection.receive(data(id, 5, { end: true }));
    expect(subject.log).toEqual([`${id} headers 200`]);
    subject.close();
    expect(subject.log).toEqual([`${id} headers 200`, `${id} data 5`, `${id} end`, "closed"]);
  });

  it("is dropped with a connection that ends, and its link reads on to hear of the peer's end", () => {
    const subject = server({ maxStreamsPerTurn: 1 });
    subject.connection.receive(requests(1, 5));
    subject.connection.abort("enough", ErrorCode.INTERNAL_ERROR);
    expect(subject.link.paused).toBe(false);
    subject.quiesce();
    expect(heard(subject)).toBe(1);
  });

  it("is not late: frameTimeoutMs is for the peer", () => {
    const subject = server({ maxBytesPerTurn: 1, frameTimeoutMs: 5000 });
    subject.quiesce();
    const frames = Array.from({ length: 5 }, () => data(1, 16_000));
    // The turn reads 64 KiB, up to the middle of a frame.
    subject.connection.receive(join(headers(1, request), ...frames));
    for (let s = 0; s < 10; s++) {
      subject.link.clock += 1000;
      subject.connection.advance(subject.link.clock);
    }
    expect(subject.endedBy).toBeNull();
    subject.quiesce();
    expect(subject.log.at(-1)).toBe(`1 data ${5 * 16_000}`);
  });

  it("is heard as if it had come in one turn, streams that are reset in it included", () => {
    const subject = server({ maxStreamsPerTurn: 1 });
    subject.receive(requests(1, 1), join(requests(3, 1), rst(3, ErrorCode.CANCEL), requests(5, 1)));
    expect(subject.log.filter((line) => line.startsWith("3"))).toEqual([
      "3 request END /s/m",
      "3 reset CANCEL peer maybe-processed",
    ]);
    expect(heard(subject)).toBe(3);
  });
});

// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded work. The answers of one connection do not fill an event-loop turn.
// Mutant: http2/src/send/answer-turns.ts # if (made < this.maxBytes) { => if (true) {
// Mutant: http2/src/send/answer-turns.ts # if (bytesMade < this.madeBefore) this.madeBefore = bytesMade;
// Mutant: http2/src/send/answer-turns.ts # if (made * 2 >= this.maxBytes) this.mark();
// Mutant: http2/src/send/answer-turns.ts # given < most && budget.bytesMade - this.madeBefore < this.maxBytes => given < most
// Mutant: http2/src/send/answer-turns.ts # if (stream.closed) continue;
// Mutant: http2/src/send/answer-turns.ts # if (first && this.firsts++ === 0) this.input.waitForAnswers(); => if (this.firsts++ === 0) this.input.waitForAnswers();
// Mutant: http2/src/send/answer-turns.ts # this.fail(error); => throw error;
// Mutant: http2/src/receive/input-turns.ts # || this.answersWait
// Mutant: http2/src/send/answer-turns.ts # this.input.waitForAnswers();
// Mutant: http2/src/streams/stream.ts # this.streams.isServer && this.streams.answers.postpone(this, first) => this.streams.answers.postpone(this, first)
// Mutant: http2/src/send/send-budget.ts # this.dropped += bytes;
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../src/connection/error-code.js";
import type { Http2Options } from "../src/connection/options.js";
import type { Stream } from "../src/streams/stream.js";
import { headers, join, request, response, rst } from "./frames.js";
import { Subject } from "./subject.js";

const requests = (...ids: number[]): Uint8Array =>
  join(...ids.map((id) => headers(id, request, { end: true })));

/** A server that answers each request with so many bytes at once, or in the turn that the answer has to wait for. */
function server(size: number, { window = 65_535, ...options }: Http2Options & { window?: number } = {}) {
  const subject = new Subject("server", { maxBytesPerTurn: 1000, ...options }).greet(4, window);
  const answered: number[] = [];
  const asked: number[] = [];
  subject.answerTurn = (stream) => {
    answered.push(stream.id);
    stream.sendHeaders(response, false);
    stream.write(new Uint8Array(size), true);
  };
  subject.serve = (stream: Stream) => {
    asked.push(stream.id);
    if (!stream.answerWaits()) subject.answerTurn!(stream);
  };
  return { subject, answered, asked };
}

describe("an event-loop turn", () => {
  it("makes maxBytesPerTurn of a connection's answers, and the next turns the others in order", () => {
    const { subject, answered, asked } = server(600);
    subject.connection.receive(requests(1, 3, 5, 7, 9));
    // Unread input waits until all answers had their turns.
    expect([answered, asked, subject.link.paused]).toEqual([[1, 3], [1, 3, 5], true]);
    subject.link.turn();
    expect([answered, asked, subject.link.paused]).toEqual([[1, 3, 5], [1, 3, 5], true]);
    subject.link.turn();
    expect([answered, asked, subject.link.paused]).toEqual([[1, 3, 5, 7, 9], [1, 3, 5, 7, 9], false]);
    subject.quiesce();
    expect(subject.link.paused).toBe(false);
  });

  it("makes one answer that is larger, and reads nothing while others wait", () => {
    const { subject, answered, asked } = server(5000, { maxStreamsPerTurn: 3 });
    const streams: Stream[] = [];
    // Handlers that settle later, all in one turn.
    subject.serve = (stream) => {
      asked.push(stream.id);
      streams.push(stream);
    };
    // The third stream fills the turn's budget of streams, too.
    subject.connection.receive(requests(1, 3, 5, 7));
    for (const stream of streams) if (!stream.answerWaits()) subject.answerTurn!(stream);
    subject.connection.receive(requests(9));
    expect([answered, asked, subject.link.paused]).toEqual([[1], [1, 3, 5], true]);
    subject.link.turn();
    expect([answered, asked]).toEqual([
      [1, 3],
      [1, 3, 5],
    ]);
    subject.link.turn();
    expect([answered, asked, subject.link.paused]).toEqual([[1, 3, 5], [1, 3, 5], true]);
    subject.link.turn();
    expect([asked, subject.link.paused]).toEqual([[1, 3, 5, 7, 9], false]);
  });

  it("is not asked for by a connection with few answers, and frees the budget of one with more", () => {
    const few = server(100).subject;
    few.connection.receive(requests(1, 3, 5));
    few.link.endTurn();
    expect(few.link.turn()).toBe(false);
    const { subject, answered } = server(600);
    for (let i = 0; i < 10; i++) {
      subject.connection.receive(requests(2 * i + 1));
      expect(answered.length).toBe(i + 1);
      subject.link.turn();
    }
  });

  it("makes no more of them when an answer gets smaller, since it is compressed", () => {
    const { subject, answered } = server(600);
    subject.connection.receive(headers(1, request));
    subject.stream(1).compressing(10_000);
    subject.connection.receive(requests(3));
    subject.quiesce();
    subject.stream(1).compressing(-10_000);
    subject.connection.receive(requests(5, 7, 9, 11));
    expect(answered).toEqual([1, 3, 5, 7]);
  });

  it("counts an answer whose stream is reset before it has left", () => {
    const { subject, answered } = server(5000, { window: 0 });
    subject.connection.receive(requests(1));
    subject.connection.receive(join(rst(1, ErrorCode.CANCEL), requests(3)));
    expect(answered).toEqual([1]);
    subject.link.turn();
    expect(answered).toEqual([1, 3]);
  });
});

describe("a later message of an answer", () => {
  it("waits for its turn, while the connection reads on", () => {
    const { subject, answered, asked } = server(600);
    subject.connection.receive(requests(1, 3, 5));
    subject.quiesce();
    const begun: Stream[] = [];
    subject.serve = (stream) => {
      asked.push(stream.id);
      stream.sendHeaders(response, false);
      begun.push(stream);
    };
    subject.connection.receive(requests(7, 9, 11));
    const made: number[] = [];
    subject.answerTurn = (stream) => {
      made.push(stream.id);
      // A second message in the same turn asks again.
      stream.write(new Uint8Array(600), false);
      if (stream.answerWaits(false)) return;
      made.push(stream.id);
      stream.write(new Uint8Array(600), true);
    };
    for (const stream of begun) if (!stream.answerWaits(false)) subject.answerTurn(stream);
    expect([made, subject.link.paused]).toEqual([[7, 7], false]);
    subject.connection.receive(requests(13));
    expect(asked.at(-1)).toBe(13);
    subject.link.turn();
    expect(made).toEqual([7, 7, 9, 9]);
    subject.link.turn();
    expect(made).toEqual([7, 7, 9, 9, 11, 11]);
    expect(answered).toEqual([1, 3, 5]);
  });

  it("ends the connection, and no other, when its sink throws at its turn", () => {
    const { subject, answered } = server(5000);
    subject.connection.receive(requests(1, 3, 5));
    subject.answerTurn = () => {
      throw new Error("a fault of ours");
    };
    subject.link.turn();
    subject.quiesce();
    expect([answered, subject.alive]).toEqual([[1], false]);
    expect(subject.log).toContain("closed a fault of ours");
  });
});

describe("an answer that waits for its turn", () => {
  it("is not asked for when its stream has closed", () => {
    const { subject, answered } = server(5000);
    subject.connection.receive(requests(1, 3));
    subject.stream(3).reset(ErrorCode.CANCEL);
    subject.quiesce();
    expect([answered, subject.link.paused]).toEqual([[1], false]);
  });

  it("does not keep a connection that ends", () => {
    const { subject, answered } = server(5000);
    subject.connection.receive(requests(1, 3, 5));
    subject.connection.abort("enough", ErrorCode.INTERNAL_ERROR);
    subject.quiesce();
    expect([answered, subject.link.paused, subject.alive]).toEqual([[1], false, false]);
  });

  it("is a server's: a client's messages never wait", () => {
    const subject = new Subject("client", { maxBytesPerTurn: 1000 }).greet();
    subject.open().write(new Uint8Array(5000), true);
    expect(subject.open().answerWaits()).toBe(false);
  });
});

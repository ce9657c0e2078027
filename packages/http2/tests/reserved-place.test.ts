// SPDX-License-Identifier: Apache-2.0
// Mutant: http2/src/send/output.ts # if (this.reserved || this.position => if (this.position
// Mutant: http2/src/send/output.ts # if (this.reserved) this.flush();
// Mutant: http2/src/send/output.ts # if (this.reserved) this.buffer = none;
import { describe, expect, it } from "@jest/globals";
import { FrameType } from "../src/frame/frame-type.js";
import type { Stream } from "../src/streams/stream.js";
import { headers, ping, request, response } from "./frames.js";
import { Subject } from "./subject.js";

/** A server that has answered the streams 1 and 3 with headers. */
function answering(): Subject {
  const subject = new Subject("server").greet();
  for (const id of [1, 3]) {
    subject.receive(headers(id, request));
    subject.stream(id).sendHeaders(response, false);
  }
  subject.quiesce();
  subject.frames();
  return subject;
}

/** The bytes of DATA that a stream was sent, and its other frames. */
function sentOn(subject: Subject): { data: Record<number, string>; others: string[] } {
  const data: Record<number, string> = {};
  const others: string[] = [];
  subject.quiesce();
  for (const { type, id, flags, payload } of subject.frames()) {
    if (type === FrameType.DATA) {
      data[id] = `${data[id] ?? ""}${Buffer.from(payload).toString()}${flags === 1 ? "." : ""}`;
    } else others.push(`${type} ${id}`);
  }
  return { data, others };
}

function put(stream: Stream, text: string, end = false): void {
  const at = stream.reserve(text.length);
  stream.buffer.set(Buffer.from(text), at);
  stream.commit(text.length, end);
}

const meanwhile: readonly (readonly [string, (subject: Subject) => void])[] = [
  ["DATA of another stream", (subject) => subject.stream(3).write(Buffer.from("other"), false)],
  ["DATA in place of another stream", (subject) => put(subject.stream(3), "other")],
  ["DATA in place of the same stream", (subject) => put(subject.stream(1), "same")],
  ["trailers of another stream", (subject) => subject.stream(3).sendTrailers(["grpc-status", "0"])],
  ["the end of another stream", (subject) => subject.stream(3).sendEnd()],
  ["the end of the same stream", (subject) => subject.stream(1).sendEnd()],
  ["a reset of the same stream", (subject) => subject.stream(1).reset(8)],
  ["an answer to a PING", (subject) => subject.connection.receive(ping("12345678"))],
];

describe.each([
  ["behind room for a frame header", ""],
  ["in a frame that is open", "before "],
])("a reserved place %s", (_where, before) => {
  it.each(meanwhile)(
    "is nobody else's: %s, sent meanwhile, is whole, and the buffer another one",
    (_what, send) => {
      const [plain, subject] = [answering(), answering()];
      for (const each of [plain, subject]) if (before !== "") put(each.stream(1), before);
      send(plain);
      const stream = subject.stream(1);
      const at = stream.reserve(40);
      const { buffer } = stream;
      send(subject);
      buffer.fill(0x21, at, at + 40);
      expect(stream.buffer).not.toBe(buffer);
      stream.unreserve();
      expect(sentOn(subject)).toEqual(sentOn(plain));
    },
  );

  it("that is given back leaves nothing behind", () => {
    const subject = answering();
    const stream = subject.stream(1);
    if (before !== "") put(stream, before);
    const at = stream.reserve(40);
    const { buffer } = stream;
    buffer.fill(0x21, at, at + 40);
    stream.unreserve();
    put(stream, "after", true);
    // The same buffer, since nothing else was sent.
    expect(stream.buffer).toBe(buffer);
    expect(sentOn(subject)).toEqual({ data: { 1: `${before}after.` }, others: [] });
  });
});

// SPDX-License-Identifier: Apache-2.0
import { create, toBinary } from "@bufbuild/protobuf";
import { MessageSchema } from "../gen/bench_pb.js";
import { draft, drafts, LARGE, reply, SMALL, Tally } from "./messages.js";

const size = (message: { number: number; payload: string }) =>
  toBinary(MessageSchema, create(MessageSchema, message)).byteLength;

test.each([SMALL, LARGE])(
  "messages of %i bytes have exactly that size on the wire, and so have their replies",
  (bytes) => {
    for (const index of [0, 1, 15, 16, 999_999, 1_000_000, 123_456_789]) {
      expect(size(draft(bytes, index))).toBe(bytes);
      expect(size(reply(draft(bytes, index)))).toBe(bytes);
    }
  },
);

test("a stream of messages is made of the messages at its indexes", () => {
  const messages = [...drafts(SMALL, 40)];
  expect(messages).toHaveLength(40);
  expect(messages[33]).toEqual(draft(SMALL, 33));
});

describe("a tally", () => {
  const messages = [...drafts(SMALL, 20)];
  const whole = new Tally().addAll(messages).checksum;

  test("is the same for the same messages", () => {
    expect(new Tally().addAll(drafts(SMALL, 20)).checksum).toBe(whole);
  });

  test("differs when two messages are swapped", () => {
    const [first, second, ...rest] = messages;
    expect(new Tally().addAll([second, first, ...rest] as typeof messages).checksum).not.toBe(whole);
  });

  test("differs when a message is lost", () => {
    expect(new Tally().addAll(messages.slice(1)).checksum).not.toBe(whole);
  });

  test("differs when one character of a message changes", () => {
    const changed = messages.map((m, i) => (i === 7 ? { ...m, payload: `#${m.payload.slice(1)}` } : m));
    expect(new Tally().addAll(changed).checksum).not.toBe(whole);
  });
});

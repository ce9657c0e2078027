// SPDX-License-Identifier: Apache-2.0
import { getTextEncoding } from "@bufbuild/protobuf/wire";
import { speedUpTextEncoding } from "./text-encoding.js";

const plain = new TextEncoder();

test.each([
  "",
  "a",
  "0123456789abcd",
  "x".repeat(64),
  "x".repeat(65),
  "\0\x7f",
  "\x80",
  "grüße",
  "x".repeat(63) + "ü",
  "😀",
  "a\ud800b",
])("the text encoding encodes %j to the bytes that TextEncoder gives", (text) => {
  speedUpTextEncoding();
  expect([...getTextEncoding().encodeUtf8(text)]).toEqual([...plain.encode(text)]);
});

test("the text encoding is put in place once, and leaves decoding alone", () => {
  const { decodeUtf8, checkUtf8 } = getTextEncoding();
  speedUpTextEncoding();
  const { encodeUtf8 } = getTextEncoding();
  speedUpTextEncoding();
  expect(getTextEncoding().encodeUtf8).toBe(encodeUtf8);
  expect(getTextEncoding().decodeUtf8).toBe(decodeUtf8);
  expect(getTextEncoding().checkUtf8).toBe(checkUtf8);
});

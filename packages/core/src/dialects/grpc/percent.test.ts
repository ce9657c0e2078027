// SPDX-License-Identifier: Apache-2.0
import { decodePercent, encodePercent } from "./percent.js";

test.each([
  ["", ""],
  ["plain text, with: punctuation!", "plain text, with: punctuation!"],
  ["100 %", "100 %25"],
  ["a+b", "a%2Bb"],
  ["ä", "%C3%A4"],
  ["🎉", "%F0%9F%8E%89"],
  ["line\nbreak", "line%0Abreak"],
  ["\u0000\u007f", "%00%7F"],
  ["~}| {", "~}| {"],
  [" a b ", "%20a b%20"],
  ["  ", "%20%20"],
  ["   ", "%20 %20"],
  ["\ud800", "%EF%BF%BD"],
])("%j is %j on the wire", (text, wire) => {
  expect(encodePercent(text)).toBe(wire);
  expect(wire).toMatch(/^[ -~]*$/);
  expect(decodePercent(wire)).toBe(text === "\ud800" ? "\ufffd" : text);
});

test.each([
  ["100%", "100%"],
  ["%", "%"],
  ["%4", "%4"],
  ["%zz%41", "%zzA"],
  ["%c3%a4", "ä"],
  ["%FF", "ÿ"],
  ["%C3", "Ã"],
  ["Ã¤", "ä"],
  ["a+b", "a+b"],
  ["%EF%BB%BFx", "\ufeffx"],
])("%j from a peer is read as %j", (wire, text) => {
  expect(decodePercent(wire)).toBe(text);
});

test("every code point makes the round trip", () => {
  for (let i = 0; i < 0x11000; i += 7) {
    if (i >= 0xd800 && i < 0xe000) continue;
    const text = `a${String.fromCodePoint(i)}%`;
    expect(decodePercent(encodePercent(text))).toBe(text);
  }
});

test("a long text that is not UTF-8 is read too", () => {
  expect(decodePercent("\xff".repeat(500_000))).toHaveLength(500_000);
});

// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "@jest/globals";
import { byteText } from "./byte-text.js";
import { HeaderList } from "./header-list.js";

it("A list starts with empty slots", () => {
  const list = new HeaderList(["a", "1"], 34, false);
  expect(list).toMatchObject({ malformed: null, kind: 0, contentLength: -1, memo: undefined });
});

it("A list gives the first value of a name, and undefined for one that it has not, even as a value", () => {
  const list = new HeaderList(["a", "b", "c", "1", "c", "2", "empty", ""], 0, false);
  expect(list.get("c")).toBe("1");
  expect(list.get("empty")).toBe("");
  expect(list.get("b")).toBeUndefined();
});

it("Bytes of any number become a text of as many char codes", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 7) & 0xff);
  for (let length = 0; length <= 100; length++) {
    const text = byteText(bytes, 3, 3 + length);
    expect(Array.from(text, (char) => char.charCodeAt(0))).toEqual([...bytes.subarray(3, 3 + length)]);
  }
});

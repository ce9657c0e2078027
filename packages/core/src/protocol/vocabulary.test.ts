// SPDX-License-Identifier: Apache-2.0
import { ConnectError } from "@connectrpc/connect";
import { readAttachments } from "./attachments.js";
import { readLength, writePrefix } from "./envelope.js";
import { appendField, appendHeaders, headersFromFields } from "./metadata.js";
import { foldPath, formatPath } from "./path.js";
import { describeSelector, selectorFields, selectorKey } from "./selector.js";

test.each([0, 1, 255, 256, 65_536, 2 ** 31, 2 ** 32 - 1])("a prefix of length %d is read back", (length) => {
  const b = new Uint8Array(8);
  writePrefix(b, 2, 1, length);
  expect(b[2]).toBe(1);
  expect(readLength(b, 2)).toBe(length);
});

test.each([
  ["/a.B/Greet", "/a.B/greet"],
  ["/a.B/greet", "/a.B/greet"],
  ["/a.B/GREET", "/a.B/gREET"],
  ["/a.B/", "/a.B/"],
  ["/", "/"],
  ["", ""],
  ["Greet", "greet"],
])("path %j folds to %j", (path, folded) => {
  expect(foldPath(path)).toBe(folded);
  expect(formatPath("a.B", "C")).toBe("/a.B/C");
});

test("selectors have a key of their own, a text, and headers of what is not empty", () => {
  expect(selectorKey("a", "b")).not.toBe(selectorKey("ab", ""));
  expect(describeSelector({ group: "", version: "" })).toBe("no group and no version");
  expect(describeSelector({ group: "g", version: "" })).toBe('group "g", no version');
  expect(describeSelector({ group: "", version: "1" })).toBe('no group, version "1"');
  expect(describeSelector({ group: "g", version: "1" })).toBe('group "g", version "1"');
  expect(selectorFields({ group: "", version: "" })).toEqual([]);
  expect(selectorFields({ group: "g", version: "1" })).toEqual([
    ["tri-service-group", "g"],
    ["tri-service-version", "1"],
  ]);
});

describe("attachments", () => {
  test("are what does not belong to the protocol; bytes come without their suffix", () => {
    const headers = new Headers({
      "content-type": "application/grpc",
      "grpc-status": "0",
      "x-user": "ada",
      "x-bytes-bin": "AAEC",
    });
    expect(readAttachments(headers)).toEqual({ "x-user": "ada", "x-bytes": Uint8Array.of(0, 1, 2) });
  });

  test("get the case back that dubbo-java names", () => {
    const hint = encodeURIComponent(JSON.stringify({ traceid: "traceId" }));
    expect(readAttachments(new Headers({ traceid: "1", other: "2", "tri-header-convert": hint }))).toEqual({
      traceId: "1",
      other: "2",
    });
  });

  test.each(["{", "%", "null", "[1]", '{"a":1}'])("take a hint of %j for none", (hint) => {
    expect(readAttachments(new Headers({ a: "1", "tri-header-convert": hint }))).toEqual({ a: "1" });
  });

  test("take malformed bytes as text", () => {
    expect(readAttachments(new Headers({ "a-bin": "§§" }))).toEqual({ "a-bin": "§§" });
  });
});

describe("metadata", () => {
  test("of a peer: pseudo-headers and what Headers refuses are left out, repeated names are joined", () => {
    const headers = headersFromFields([":status", "200", "a", "1", "a", "2", "b", "x\u0000y", "c", "3"]);
    expect([...headers]).toEqual([
      ["a", "1, 2"],
      ["c", "3"],
    ]);
  });

  test("of a user: goes as it is, and the protocol's own names are refused with what to use instead", () => {
    const fields: string[] = [];
    appendHeaders(fields, new Headers({ "grpc-tags-bin": "AA", "tri-req-id": "1", "x-a": "1" }));
    expect(fields).toEqual(["grpc-tags-bin", "AA", "tri-req-id", "1", "x-a", "1"]);
    const given: [string, string][] = [
      ["te", "leave it out"],
      ["host", "leave it out"],
      ["grpc-timeout", "use timeoutMs"],
      ["grpc-status", "throw a ConnectError"],
    ];
    for (const [name, advice] of given) {
      expect(() => appendHeaders([], new Headers({ [name]: "1" }))).toThrow(
        `header "${name}" belongs to the protocol and can't be set: ${advice}`,
      );
    }
  });

  test.each([
    ["", "x"],
    ["A", "x"],
    ["a b", "x"],
    ["ä", "x"],
    ["a", "ä"],
    ["a", "\n"],
    ["a", "\u007f"],
  ])("name %j with value %j is refused", (name, value) => {
    expect(() => appendField([], name, value)).toThrow(ConnectError);
  });
});

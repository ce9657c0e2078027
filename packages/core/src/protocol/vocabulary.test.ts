// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/protocol/http-status.ts # case 429: => case 429: case 431:
import { Code, ConnectError } from "@connectrpc/connect";
import { resetReason } from "@tristream/http2";
import { codeFromReset } from "../carrier/reset-reason.js";
import { readAttachments } from "./attachments.js";
import { parseContentType } from "./content-type.js";
import { readLength, writePrefix } from "./envelope.js";
import { codeFromHttpStatus } from "./http-status.js";
import { appendField, appendHeaders, headersFromFields } from "./metadata.js";
import { foldPath, formatPath } from "./path.js";
import { describeSelector, selectorFields, selectorKey } from "./selector.js";
import { appendStatus, parseStatus } from "./status.js";

// The first eight rows are gRPC's whole table; each other status is Unknown.
test.each([
  [400, Code.Internal],
  [401, Code.Unauthenticated],
  [403, Code.PermissionDenied],
  [404, Code.Unimplemented],
  [429, Code.Unavailable],
  [502, Code.Unavailable],
  [503, Code.Unavailable],
  [504, Code.Unavailable],
  [200, Code.Unknown],
  [302, Code.Unknown],
  [402, Code.Unknown],
  [405, Code.Unknown],
  [408, Code.Unknown],
  [409, Code.Unknown],
  [412, Code.Unknown],
  [413, Code.Unknown],
  [415, Code.Unknown],
  [431, Code.Unknown],
  [499, Code.Unknown],
  [500, Code.Unknown],
  [501, Code.Unknown],
  [505, Code.Unknown],
  [599, Code.Unknown],
  [Number.NaN, Code.Unknown],
])("HTTP %d is code %d", (status, code) => {
  expect(codeFromHttpStatus(status)).toBe(code);
});

test.each([
  [0, Code.Internal],
  [1, Code.Internal],
  [2, Code.Internal],
  [3, Code.Internal],
  [7, Code.Unavailable],
  [8, Code.Canceled],
  [11, Code.ResourceExhausted],
  [12, Code.PermissionDenied],
  [99, Code.Internal],
])("RST_STREAM %d is code %d", (reset, code) => {
  expect(codeFromReset(resetReason(reset))).toBe(code);
});

test.each([
  ["application/grpc", "proto"],
  ["application/grpc+proto", "proto"],
  ["application/grpc+json", "json"],
  ["Application/gRPC+JSON", "json"],
  ["application/grpc; charset=utf-8", "proto"],
  ["application/grpc+proto ;a=b", "proto"],
  ["application/grpc-web", undefined],
  ["application/grpc-web+proto", undefined],
  ["application/grpc+thrift", undefined],
  ["application/grpcx", undefined],
  ["text/html", undefined],
  ["", undefined],
])("content type %j is %s", (type, subtype) => {
  expect(parseContentType(type)).toBe(subtype);
});

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

describe("a status", () => {
  const parse = (...fields: string[]) =>
    parseStatus({
      fields,
      get: (name) => fields[fields.findIndex((f, i) => i % 2 === 0 && f === name) + 1 || -1],
    });

  test("is none, OK, or an error", () => {
    expect(parse("a", "1")).toBeUndefined();
    expect(parse("grpc-status", "0")).toBeNull();
    expect(parse("grpc-status", "0", "grpc-message", "fine")).toBeNull();
    expect(parse("grpc-status", "5", "grpc-message", "no%21")).toMatchObject({ code: 5, rawMessage: "no!" });
    expect(parse("grpc-status", "17")).toMatchObject({ code: 17, rawMessage: "" });
    expect(parse("grpc-status", "")).toMatchObject({ code: Code.Unknown });
  });

  test("with details that are malformed is what the plain fields say", () => {
    const error = parse("grpc-status", "5", "grpc-message", "plain", "grpc-status-details-bin", "!!!");
    expect(error).toMatchObject({ code: 5, rawMessage: "plain", details: [] });
  });

  test("is written as it is read", () => {
    const fields: string[] = [];
    appendStatus(fields, new ConnectError("nö", Code.NotFound, { "x-a": "1", "grpc-status": "0" }));
    expect(fields).toEqual(["x-a", "1", "grpc-status", "5", "grpc-message", "n%C3%B6"]);
    expect(parse(...fields)).toMatchObject({ code: Code.NotFound, rawMessage: "nö" });
  });
});

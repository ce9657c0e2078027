// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/dialects/grpc/http-status.ts # case 429: => case 429: case 431:
import { Code, ConnectError } from "@connectrpc/connect";
import { parseContentType } from "./content-type.js";
import { codeFromHttpStatus } from "./http-status.js";
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

// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. A status in HEADERS that don't end the stream, as proxies and HTTP frameworks send it.
// Mutant: core/src/dialects/grpc/grpc.ts # (outcome instanceof ConnectError || (end && outcome === null)) => (end && outcome !== undefined)
// Mutant: core/src/dialects/grpc/grpc.ts # messages === 0 ? parseStatus(head) : undefined => undefined
// Mutant: core/src/dialects/grpc/grpc.ts # messages === 0 ? parseStatus(head) : undefined => parseStatus(head)
import { Code } from "@tristream/core";
import { all, errorOf } from "./events.js";
import { finish, goodHead, goodMessage, startRawServer } from "./raw-server.js";

const notFound = { "grpc-status": "5", "grpc-message": "no such thing", "x-more": "a" };

describe("a status in HEADERS without END_STREAM", () => {
  test("and an empty DATA frame behind it is the call's error, with its metadata", async () => {
    await using end = await startRawServer((stream) => {
      stream.respond({ ...goodHead, ...notFound });
      stream.end();
    });
    for (const call of [end.client.greet({}), all(end.client.greetServerStream({}))]) {
      const error = await errorOf(call);
      expect([error.code, error.rawMessage]).toEqual([Code.NotFound, "no such thing"]);
      expect(error.metadata.get("x-more")).toBe("a");
    }
  });

  test("counts, whatever HTTP status and body a proxy gives it", async () => {
    await using end = await startRawServer((stream) => {
      stream.respond({
        ":status": 503,
        "content-type": "text/html",
        "grpc-status": "14",
        "grpc-message": "upstream gone",
      });
      stream.end("<html>no healthy upstream</html>");
    });
    const error = await errorOf(end.client.greet({}));
    expect([error.code, error.rawMessage]).toEqual([Code.Unavailable, "upstream gone"]);
  });

  test("gives way to the status of trailers", async () => {
    await using end = await startRawServer((stream) => {
      stream.respond({ ...goodHead, ...notFound }, { waitForTrailers: true });
      finish(stream, { "grpc-status": "8", "grpc-message": "no room" });
    });
    const error = await errorOf(end.client.greet({}));
    expect([error.code, error.rawMessage]).toEqual([Code.ResourceExhausted, "no room"]);
  });

  test("does not count for a response whose messages came without trailers", async () => {
    await using end = await startRawServer((stream) => {
      stream.respond({ ...goodHead, ...notFound });
      stream.end(goodMessage);
    });
    const error = await errorOf(end.client.greet({}));
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toMatch(/ended the response without grpc-status, after 1 message/);
  });

  test("that is OK ends a stream without messages well, and a unary call without its message badly", async () => {
    await using end = await startRawServer((stream) => {
      stream.respond({ ...goodHead, "grpc-status": "0" });
      stream.end();
    });
    expect(await all(end.client.greetServerStream({}))).toEqual([]);
    expect((await errorOf(end.client.greet({}))).rawMessage).toMatch(/^no response message/);
  });

  test("that is OK says nothing of messages that come behind it", async () => {
    await using end = await startRawServer((stream) => {
      stream.respond({ ...goodHead, "grpc-status": "0" });
      stream.end(goodMessage);
    });
    const error = await errorOf(all(end.client.greetServerStream({})));
    expect(error.rawMessage).toMatch(/ended the response without grpc-status, after 1 message/);
  });
});

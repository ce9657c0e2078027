// SPDX-License-Identifier: Apache-2.0
// Promise 10: errors are seen. Texts of errors on the wire: what a peer gets of ours, what we make of a peer's.
// Mutant: core/src/dialects/grpc/status.ts # if (error.rawMessage !== "") fields.push(grpcMessage, encodeText(error.rawMessage));
// Mutant: core/src/dialects/grpc/status.ts # fields.push(grpcStatus, String(sendableCode(error.code)));
import { Code, ConnectError } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { errorOf } from "./events.js";
import { quiet } from "./every-link.js";
import { envelope, RawClient } from "./raw-client.js";
import { goodHead, startRawServer } from "./raw-server.js";

const request = envelope(new Uint8Array());

/** A server whose handler throws what a test says. */
function throwing(make: () => unknown, log: string[] = []) {
  const keep = (line: string): void => void log.push(line);
  return serve({
    host: "127.0.0.1",
    port: 0,
    logger: { ...quiet, error: keep, warn: keep },
    routes: (r) =>
      r.service(GreetService, {
        greet() {
          throw make();
        },
        async *greetServerStream() {
          yield { greeting: "one" };
          throw make();
        },
      }),
  });
}

describe("a peer's grpc-message", () => {
  test.each([
    ["50% done", "50% done"],
    ["100%", "100%"],
    ["%zz %4 %", "%zz %4 %"],
    ["%41%zz%42", "A%zzB"],
    ["%E2%82%AC", "€"],
    ["%FF", "\u00ff"],
    ["plain", "plain"],
    ["1+1 %2B 1", "1+1 + 1"],
  ])("%s is read as %s, and its code is kept", async (sent, text) => {
    await using end = await startRawServer((stream) => {
      stream.respond({ ...goodHead, "grpc-status": "9", "grpc-message": sent }, { endStream: true });
    });
    expect(await errorOf(end.client.greet({}))).toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: text,
    });
  });
});

describe("a handler's error, as a client of Node's own gets it", () => {
  test.each([
    ["a\ud800b", "a\ufffdb"],
    ["\udc00", "\ufffd"],
    ["50% done", "50% done"],
    ["über ∑ 🎉", "über ∑ 🎉"],
    ["line\nbreak\u0000", "line\nbreak\u0000"],
    [" spaces ", " spaces "],
  ])("%j has an answer, in visible ASCII", async (text, read) => {
    await using server = await throwing(() => new ConnectError(text, Code.Aborted));
    const client = new RawClient(server.port);
    for (const method of ["Greet", "GreetServerStream"]) {
      const answer = await client.call(`/greet.GreetService/${method}`, {}, request);
      const fields = { ...answer.header, ...answer.trailer };
      expect(fields["grpc-status"]).toBe(String(Code.Aborted));
      const message = String(fields["grpc-message"]);
      expect(message).toMatch(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/);
      expect(decodeURIComponent(message)).toBe(read);
    }
    await client.close();
  });

  test("that was not expected shows its id and nothing else, in headers, body and trailers", async () => {
    const log: string[] = [];
    await using server = await throwing(() => {
      const error = new TypeError("password is hunter2");
      return Object.assign(error, { code: "hunter2", metadata: { hunter2: "hunter2" } });
    }, log);
    const client = new RawClient(server.port);
    for (const method of ["Greet", "GreetServerStream"]) {
      log.length = 0;
      const answer = await client.call(`/greet.GreetService/${method}`, {}, request);
      const fields = { ...answer.header, ...answer.trailer };
      expect(fields["grpc-status"]).toBe(String(Code.Internal));
      const [, id] = /^internal error \(id ([a-z0-9]{8})\)$/.exec(String(fields["grpc-message"])) ?? [];
      expect(JSON.stringify(fields) + answer.body.toString("latin1")).not.toContain("hunter2");
      expect(fields["grpc-status-details-bin"]).toBeUndefined();
      expect(log).toHaveLength(1);
      expect(log[0]).toContain(`(id ${id})`);
      expect(log[0]).toContain("TypeError: password is hunter2");
    }
    await client.close();
  });
});

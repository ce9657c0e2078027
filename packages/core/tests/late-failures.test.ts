// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. A stream that fails after some messages gives those first, then the error.
// Mutant: core/src/engine/call/server-call.ts # sourceFailed(error: unknown): void { => sourceFailed(error: unknown): void { return undefined as never;
import { Code, ConnectError, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { errorOf } from "./events.js";
import { everyLink, quiet } from "./every-link.js";
import { envelope, RawClient } from "./raw-client.js";

const failures: Record<string, { fail(): { greeting: string }; code: Code; text: RegExp }> = {
  "throws a ConnectError": {
    fail() {
      throw new ConnectError("no more", Code.ResourceExhausted, { "x-why": "enough" });
    },
    code: Code.ResourceExhausted,
    text: /^no more$/,
  },
  "throws anything else": {
    fail() {
      throw new TypeError("secret");
    },
    code: Code.Internal,
    text: /^internal error \(id \w{8}\)$/,
  },
  "gives what can't be serialised": {
    fail: () => ({ greeting: Symbol("secret") as unknown as string }),
    code: Code.Internal,
    text: /^internal error \(id \w{8}\)$/,
  },
};

describe.each(everyLink)("a handler over $name that, after three messages,", (link) => {
  test.each(Object.entries(failures))(
    "%s: three messages, then the error with its metadata",
    async (_what, failure) => {
      await using end = await link.start({
        routes: (r) =>
          r.service(GreetService, {
            async *greetServerStream(_request, context) {
              context.responseTrailer.set("x-count", "3");
              for (const greeting of ["a", "b", "c"]) yield { greeting };
              yield failure.fail();
            },
          }),
      });
      const stream = createClient(GreetService, end.transport).greetServerStream({});
      const seen: string[] = [];
      const read = async (): Promise<void> => {
        for await (const { greeting } of stream) seen.push(greeting);
      };
      const error = await errorOf(read());
      expect(seen).toEqual(["a", "b", "c"]);
      expect(error.code).toBe(failure.code);
      expect(error.rawMessage).toMatch(failure.text);
      expect(error.metadata.get("x-count")).toBe("3");
      expect(error.metadata.get("x-why")).toBe(failure.code === Code.ResourceExhausted ? "enough" : null);
    },
  );
});

describe("on the wire", () => {
  test.each([0, 3])("an error after %d messages is one status: in the headers, or in trailers", async (n) => {
    await using server = await serve({
      host: "127.0.0.1",
      port: 0,
      logger: quiet,
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream() {
            for (let i = 0; i < n; i++) yield {};
            throw new ConnectError("no more", Code.Aborted);
          },
        }),
    });
    const client = new RawClient(server.port);
    const answer = await client.call("/greet.GreetService/GreetServerStream", {}, envelope(new Uint8Array()));
    expect(answer.body).toHaveLength(5 * n);
    expect([answer.header["grpc-status"], answer.trailer["grpc-status"]]).toEqual(
      n === 0 ? ["10", undefined] : [undefined, "10"],
    );
    await client.close();
  });
});

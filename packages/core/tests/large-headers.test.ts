// SPDX-License-Identifier: Apache-2.0
// Headers, trailers and errors that are larger than the peer takes (16 KiB by default): each costs its own call, at the side that
// would send them, and no other call of the connection.
// Mutant: core/src/client/call/method-caller.ts # connection.maxHeaderListSize, => Number.POSITIVE_INFINITY,
// Mutant: core/src/engine/call/server-response.ts # this.checkSize("response headers", fields);
// Mutant: core/src/engine/call/server-response.ts # this.checkSize(this.headSent ? "response trailers" : "response headers and trailers", end.fields);
// Mutant: core/src/engine/call/server-response.ts # end = this.format(new ConnectError(error.rawMessage, error.code), compression, null, null, null);
import { Code, ConnectError, createClient, type TripleContext } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind, quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { startWatched } from "./watched-link.js";

const sizes = [17_000, 70_000] as const;
const peerTakes = /the 16384 that the peer takes: send less, or raise maxHeaderListSize there$/;

/** A server that does to its context, or throws, what a test says, and a stream of a bystander on the same connection. */
async function start(link: LinkKind, act: (context: TripleContext) => void = () => {}) {
  const lines: string[] = [];
  const end = await startWatched(link, {
    logger: { ...quiet, warn: (line) => lines.push(line), error: (line) => lines.push(line) },
    routes: (r) =>
      r.service(GreetService, greeter(), { group: "bystander" }).service(GreetService, {
        async greet(_request, context) {
          act(context);
          return {};
        },
        async *greetServerStream(_request, context) {
          act(context);
          yield {};
        },
      }),
  });
  const bystander = createClient(GreetService, end.transport, { group: "bystander" }).greetStream();
  const exchange = async (name: string): Promise<void> => {
    await bystander.send({ name });
    expect((await bystander.receive())?.greeting).toContain(name);
  };
  // The peer's limit is known from here on.
  await exchange("before");
  return {
    client: createClient(GreetService, end.transport),
    lines,
    async [Symbol.asyncDispose]() {
      await exchange("after");
      await bystander.closeRequest();
      expect(await bystander.receive()).toBeUndefined();
      await end.leftClean();
      await end[Symbol.asyncDispose]();
    },
  };
}

describe.each(everyLink)("a connection over $name", (link) => {
  describe.each(sizes)("%i bytes", (size) => {
    const large = "v".repeat(size);

    test("of request headers are refused before anything is sent", async () => {
      let runs = 0;
      await using end = await start(link, () => runs++);
      const { client } = end;
      const options = { headers: { "x-large": large } };
      for (const call of [
        client.greet({}, options),
        all(client.greetServerStream({}, options)),
        client.greetStream(options).receive(),
      ]) {
        const error = await errorOf(call);
        expect(error.code).toBe(Code.ResourceExhausted);
        expect(error.rawMessage).toMatch(
          /^headers of greet\.GreetService\/\w+ of \d+ bytes are larger than /,
        );
        expect(error.rawMessage).toMatch(peerTakes);
      }
      expect(runs).toBe(0);
    });

    test.each(["headers", "trailers"] as const)("of response %s are an error of the call", async (part) => {
      await using end = await start(link, ({ responseHeader, responseTrailer }) => {
        (part === "headers" ? responseHeader : responseTrailer).set("x-large", large);
      });
      for (const call of [end.client.greet({}), all(end.client.greetServerStream({}))]) {
        const error = await errorOf(call);
        expect(error.code).toBe(Code.Internal);
        expect(error.rawMessage).toMatch(peerTakes);
        expect(error.rawMessage).toMatch(new RegExp(`^response ${part} of \\d+ bytes are larger than `));
      }
    });

    test.each(["metadata", "details", "trailers", "headers"] as const)(
      "of an error's %s are left out, and the log says so",
      async (part) => {
        await using end = await start(link, ({ responseHeader, responseTrailer }) => {
          const error = new ConnectError("the error itself", Code.Aborted);
          if (part === "metadata") error.metadata.set("x-large", large);
          if (part === "details") error.details.push({ desc: GreetRequestSchema, value: { name: large } });
          if (part === "trailers") responseTrailer.set("x-large", large);
          if (part === "headers") responseHeader.set("x-large", large);
          throw error;
        });
        for (const call of [end.client.greet({}), all(end.client.greetServerStream({}))]) {
          expect(await errorOf(call)).toMatchObject({
            code: Code.Aborted,
            rawMessage: "the error itself",
            details: [],
          });
        }
        expect(end.lines).toHaveLength(2);
        for (const line of end.lines) {
          expect(line).toMatch(
            / was sent without some of its metadata: (response headers|headers, trailers and details) of \d+ bytes /,
          );
          expect(line).toMatch(peerTakes);
        }
      },
    );
  });
});

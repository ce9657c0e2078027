// SPDX-License-Identifier: Apache-2.0
// Stream handlers under a mount that are async functions where generators are wanted: as with the engine.
// Mutant: core/src/mount/connect-impl.ts # isThenable(source) ? Promise.resolve(source).then(openInContext) : openInContext(source); => openInContext(source);
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, turns } from "./events.js";
import { quiet } from "./every-link.js";
import { stockTransport, ways } from "./mounts.js";

describe.each(ways)("an async function that serves a stream by $title", ({ mount, protocol }) => {
  async function start(stream: () => unknown) {
    const lines: string[] = [];
    const server = await mount.start({
      logger: { ...quiet, error: (line) => lines.push(line) },
      routes: (r) => r.service(GreetService, { greetServerStream: stream as never }),
    });
    const { transport, ...end } = stockTransport(server.port, protocol, mount.http);
    return {
      lines,
      client: createClient(GreetService, transport),
      async [Symbol.asyncDispose]() {
        end[Symbol.dispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  }

  test("and throws: its error is the call's, not the process's", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const stream = async (): Promise<never> => {
      throw new TypeError("thrown in an async function");
    };
    await using started = await start(stream);
    const error = await errorOf(all(started.client.greetServerStream({})));
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toMatch(/^internal error \(id [a-z0-9]{8}\)$/);
    expect(started.lines).toHaveLength(1);
    expect(started.lines[0]).toContain("TypeError: thrown in an async function");
    await turns(5);
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  test("and returns no iterable: the log says so", async () => {
    await using started = await start(async () => ({ greeting: "a" }));
    const error = await errorOf(all(started.client.greetServerStream({})));
    expect(error.rawMessage).toMatch(/^internal error \(id/);
    expect(started.lines[0]).toContain("an object of class Object is not iterable");
  });

  test("and returns an iterable: that is served", async () => {
    await using started = await start(async () => [{ greeting: "a" }, { greeting: "b" }]);
    expect((await all(started.client.greetServerStream({}))).map((m) => m.greeting)).toEqual(["a", "b"]);
  });
});

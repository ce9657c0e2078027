// SPDX-License-Identifier: Apache-2.0
import { jest } from "@jest/globals";
import { Code, ConnectError, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, happening, turns } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

describe.each(everyLink)("headers and trailers of a handle over $name", (link) => {
  test("responseHeader settles when the server sends headers, before any message", async () => {
    const go = happening();
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetStream(_requests, context) {
            context.responseHeader.set("x-early", "yes");
            context.sendHeaders();
            context.responseHeader.set("x-late", "no");
            context.sendHeaders();
            await go;
            context.responseTrailer.set("x-count", "1");
            yield { greeting: "a" };
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const told: string[] = [];
    const chat = client.greetStream({
      onHeader: (h) => told.push(`header ${h.get("x-early")}`),
      onTrailer: (t) => told.push(`trailer ${t.get("x-count")}`),
    });
    const header = await chat.responseHeader;
    expect(header.get("x-early")).toBe("yes");
    expect(header.has("x-late")).toBe(false);
    expect(told).toEqual(["header yes"]);
    go.tell();
    expect((await chat.receive())?.greeting).toBe("a");
    expect((await chat.responseTrailer).get("x-count")).toBe("1");
    expect(await chat.responseHeader).toBe(header);
    expect(told).toEqual(["header yes", "trailer 1"]);
  });

  test("callbacks of all kinds are told headers and trailers once", async () => {
    const mark = (context: { responseHeader: Headers; responseTrailer: Headers }): void => {
      context.responseHeader.set("x-h", "h");
      context.responseTrailer.set("x-t", "t");
    };
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet(_request, context) {
            mark(context);
            return {};
          },
          async greetClientStream(requests, context) {
            for await (const _ of requests);
            mark(context);
            return {};
          },
          async *greetServerStream(_request, context) {
            mark(context);
            yield {};
          },
          async *greetStream(_requests, context) {
            mark(context);
            yield {};
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    let told: (string | null)[] = [];
    const options = {
      onHeader: (h: Headers) => void told.push(h.get("x-h")),
      onTrailer: (t: Headers) => void told.push(t.get("x-t")),
    };
    const calls = [
      () => client.greet({}, options),
      () => client.greetClientStream([], options),
      () => all(client.greetServerStream({}, options)),
      () => all(client.greetStream([], options)),
    ];
    for (const call of calls) {
      told = [];
      await call();
      expect(told).toEqual(["h", "t"]);
    }
  });

  test("those of a failed call reject with its error, which carries the metadata", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greetStream(_requests, context) {
            context.responseTrailer.set("x-trailer", "t");
            throw new ConnectError("no", Code.PermissionDenied, { "x-error": "e" });
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    const error = await errorOf(chat.receive());
    expect(error.metadata.get("x-error")).toBe("e");
    expect(error.metadata.get("x-trailer")).toBe("t");
    expect(await errorOf(chat.responseHeader)).toBe(error);
    expect(await errorOf(chat.responseTrailer)).toBe(error);
  });

  test("a failure that nobody looks at is no unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greetStream: () => {
            throw new ConnectError("no", Code.Aborted);
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    for (let i = 0; i < 3; i++) {
      const chat = client.greetStream();
      void chat.responseHeader;
      void chat.responseTrailer;
      const upload = client.greetClientStream();
      void upload.responseHeader;
      upload.cancel();
      void upload.responseTrailer;
      await chat.receive().catch(() => {});
    }
    await turns(5);
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  test("headers of a failed call are known when they had arrived", async () => {
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          async *greetServerStream(_request, context) {
            context.responseHeader.set("x-h", "h");
            yield { greeting: "a" };
            throw new ConnectError("late", Code.Aborted);
          },
        }),
    });
    const stream = createClient(GreetService, end.transport).greetServerStream({});
    await stream.receive();
    expect((await errorOf(stream.receive())).code).toBe(Code.Aborted);
    expect((await stream.responseHeader).get("x-h")).toBe("h");
    expect((await errorOf(stream.responseTrailer)).code).toBe(Code.Aborted);
  });

  test("an onHeader that throws fails its own call alone", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const onHeader = (): void => {
      throw new RangeError("mine");
    };
    expect((await errorOf(client.greet({}, { onHeader }))).rawMessage).toBe("mine");
    expect((await errorOf(client.greetClientStream([], { onHeader }))).rawMessage).toBe("mine");
    expect((await errorOf(all(client.greetServerStream({}, { onHeader })))).rawMessage).toBe("mine");
    expect((await client.greet({ name: "next" })).greeting).toBe("next");
  });

  test("an onTrailer that throws fails a unary call, and is a warning for a stream that has ended", async () => {
    const warn = jest.spyOn(console, "warn").mockImplementation(() => {});
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const onTrailer = (): void => {
      throw new RangeError("mine");
    };
    expect((await errorOf(client.greet({}, { onTrailer }))).rawMessage).toBe("mine");
    expect(await all(client.greetServerStream({}, { onTrailer }))).toHaveLength(3);
    expect(warn.mock.calls).toEqual([
      ["tristream: onTrailer of greet.GreetService/GreetServerStream threw: RangeError: mine"],
    ]);
    warn.mockRestore();
    expect((await client.greet({ name: "next" })).greeting).toBe("next");
  });
});

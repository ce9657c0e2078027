// SPDX-License-Identifier: Apache-2.0
// Codes, texts and details of errors, between our end and each foreign one.
import { describe, expect, it } from "@jest/globals";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport, serve } from "@tristream/node";
import { all, each, failureOf, type GreetClient, type Handlers, Refusal } from "./foreign-greet.js";
import { open, pairs } from "./foreign-pairs.js";

const codes = Object.values(Code).filter((code): code is Code => typeof code === "number");

/** Each handler fails with the code and the text of its first message: "5 text". */
const failing: Handlers = {
  async unary(name) {
    throw refusal(name);
  },
  // biome-ignore lint/correctness/useYield: fails before its first message
  async *serverStream(name) {
    throw refusal(name);
  },
  async clientStream(names) {
    for await (const name of names) throw refusal(name);
    return "no name";
  },
  async *bidi(names) {
    for await (const name of names) {
      if (!/^\d/.test(name)) yield name;
      else throw refusal(name);
    }
  },
};

function refusal(name: string): Refusal {
  const [, code, text = ""] = /^(\d+) ?(.*)$/s.exec(name) ?? [];
  return new Refusal(Number(code), text);
}

const kinds: readonly { kind: string; call: (client: GreetClient, name: string) => Promise<unknown> }[] = [
  { kind: "unary", call: (client, name) => client.unary(name) },
  { kind: "server stream", call: (client, name) => all(client.serverStream(name)) },
  { kind: "client stream", call: (client, name) => client.clientStream(each([name, "more"])) },
  { kind: "bidi stream", call: (client, name) => all(client.bidi(each([name, "more"]))) },
];

const texts = [
  "plain text",
  "100 % größer — 日本語 😀",
  "%41 %zz %",
  "a = c; d/e?f#g@h:i&j$k,l",
  "two\nlines\tand a tab",
  "",
];

describe.each(pairs)("$title", (pair) => {
  it.each(kinds)("carry every code of a $kind call", async ({ call }) => {
    await using ends = await open(pair, failing);
    const seen: number[] = [];
    for (const code of codes) seen.push((await failureOf(ends.client, call(ends.client, `${code} no`))).code);
    expect(seen).toEqual(codes);
  });

  it.each(texts)("carry the error text %j", async (text) => {
    await using ends = await open(pair, failing);
    for (const { call } of kinds) {
      const failure = await failureOf(ends.client, call(ends.client, `${Code.Aborted} ${text}`));
      expect({ code: failure.code, text: failure.text }).toEqual({ code: Code.Aborted, text });
    }
  });

  it("carry a plus sign in an error text, which grpc-js leaves encoded when we send it", async () => {
    // We write it as %2B, since dubbo-java would read a space; grpc-js decodes by decodeURI, which keeps %2B.
    await using ends = await open(pair, failing);
    const decodesAll = !["grpc-js", "nice-grpc"].includes(pair.client);
    const failure = await failureOf(ends.client, ends.client.unary("10 1 + 1"));
    expect(failure.text).toBe(decodesAll ? "1 + 1" : "1 %2B 1");
  });

  it("carry the messages before an error, then the error", async () => {
    await using ends = await open(pair, failing);
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const name of ends.client.bidi(each(["a", "b", "7 no more", "c"]))) seen.push(name);
    };
    const failure = await failureOf(ends.client, read());
    expect(failure).toMatchObject({ code: Code.PermissionDenied, text: "no more" });
    expect(seen).toEqual(["a", "b"]);
  });

  it.each(kinds)(
    "answer a $kind call of a method that is not there with Unimplemented",
    async ({ kind, call }) => {
      const others: Handlers =
        kind === "unary" ? { bidi: (names) => names } : { unary: async (name) => name };
      await using some = await open(pair, others);
      expect((await failureOf(some.client, call(some.client, "a"))).code).toBe(Code.Unimplemented);
      await using none = await open(pair, {});
      expect((await failureOf(none.client, call(none.client, "a"))).code).toBe(Code.Unimplemented);
    },
  );

  it.each(kinds)("report a $kind call to a port that nobody listens on as Unavailable", async ({ call }) => {
    const closed = await pair.serve({});
    await closed[Symbol.asyncDispose]();
    await using client = pair.connect(closed.port);
    expect((await failureOf(client, call(client, "a"))).code).toBe(Code.Unavailable);
  });
});

const withDetails = pairs.filter(({ title }) => /connect-es|Connect/.test(title));

describe.each(withDetails)("$title", (pair) => {
  it("carry error details", async () => {
    await using ends = await open(pair, {
      async unary() {
        throw detailed();
      },
      async *bidi(names) {
        yield* names;
        throw detailed();
      },
    });
    const outcomes = [() => ends.client.unary("a"), () => all(ends.client.bidi(each(["a"])))];
    for (const outcome of outcomes) {
      const error = await outcome().catch((cause: unknown) => cause as ConnectError);
      expect(error).toBeInstanceOf(ConnectError);
      expect((error as ConnectError).rawMessage).toBe("mit Einzelheiten, 100 %");
      const details = (error as ConnectError).findDetails(GreetRequestSchema);
      expect(details.map(({ name }) => name)).toEqual(["first 😀", "second"]);
    }
  });
});

function detailed(): ConnectError {
  return new ConnectError("mit Einzelheiten, 100 %", Code.FailedPrecondition, { "x-more": "yes" }, [
    { desc: GreetRequestSchema, value: { name: "first 😀" } },
    { desc: GreetRequestSchema, value: { name: "second" } },
  ]);
}

describe("the details of our server's errors", () => {
  it("reach grpc-js as the bytes of grpc-status-details-bin", async () => {
    const [pair] = pairs.filter(({ client }) => client === "grpc-js");
    await using server = await serve({
      port: 0,
      host: "127.0.0.1",
      logger: { ...console, debug() {} },
      routes: (router) =>
        router.rpc(GreetService.method.greet, () => {
          throw detailed();
        }),
    });
    await using client = pair!.connect(server.port);
    const { metadata } = await failureOf(client, client.unary("a"));
    const bytes = metadata?.["grpc-status-details-bin"];
    expect(bytes).toBeInstanceOf(Uint8Array);
    // google.rpc.Status has the details as google.protobuf.Any: type name and message are in the bytes.
    expect(Buffer.from(bytes as Uint8Array).toString()).toMatch(/greet\.GreetRequest.*first 😀/s);
    expect(metadata?.["x-more"]).toBe("yes");
  });
});

it("a handler's error that is no ConnectError reaches a foreign client as Internal, without its text", async () => {
  const logged: unknown[] = [];
  const logger = { error: (line: unknown) => logged.push(line), warn() {}, info() {}, debug() {} };
  await using server = await serve({
    port: 0,
    host: "127.0.0.1",
    logger,
    routes: (router) =>
      router.rpc(GreetService.method.greet, () => {
        throw new TypeError("the secret");
      }),
  });
  for (const pair of pairs.filter(({ ours }) => ours === "server")) {
    await using client = pair.connect(server.port);
    const failure = await failureOf(client, client.unary("a"));
    expect(failure.code).toBe(Code.Internal);
    expect(failure.text).toMatch(/^internal error \(id \w{8}\)$/);
  }
  await using transport = createTransport(server.url);
  await expect(createClient(GreetService, transport).greet({})).rejects.toThrow(/internal error/);
  expect(logged).toHaveLength(5);
  expect(String(logged[0])).toContain("the secret");
});

// SPDX-License-Identifier: Apache-2.0
// Headers, trailers, bytes in headers, group and version, between our end and each foreign one.
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient, createTransport, serve } from "@tristream/node";
import {
  all,
  type CallSettings,
  each,
  failureOf,
  type GreetClient,
  type Handlers,
  type Metadata,
  Refusal,
  type ServedCall,
} from "./foreign-greet.js";
import { open, pairs } from "./foreign-pairs.js";

const bytes = Uint8Array.from([0, 1, 127, 128, 254, 255, 10, 61]);
/** A text that all HTTP/2 stacks carry: visible characters, commas and a space inside. */
const text = "a value, with; odd=characters ~%41!";

function mark(call: ServedCall): void {
  call.setHeader("x-header", `got ${String(call.headers["x-text"])}`);
  call.setHeader("x-header-bin", call.headers["x-data-bin"] as Uint8Array);
  call.setTrailer("x-trailer", `sent ${String(call.headers["x-text"])}`);
  call.setTrailer("x-trailer-bin", bytes.subarray(0, 5));
}

const marking: Handlers = {
  async unary(_name, call) {
    mark(call);
    return "ok";
  },
  async *serverStream(_name, call) {
    mark(call);
    yield "ok";
  },
  async clientStream(names, call) {
    mark(call);
    await all(names);
    return "ok";
  },
  async *bidi(names, call) {
    mark(call);
    yield* names;
  },
};

const kinds: readonly {
  kind: string;
  call: (client: GreetClient, settings: CallSettings) => Promise<unknown>;
}[] = [
  { kind: "unary", call: (client, settings) => client.unary("a", settings) },
  { kind: "server stream", call: (client, settings) => all(client.serverStream("a", settings)) },
  { kind: "client stream", call: (client, settings) => client.clientStream(each(["a"]), settings) },
  { kind: "bidi stream", call: (client, settings) => all(client.bidi(each(["a"]), settings)) },
];

describe.each(pairs)("$title", (pair) => {
  it.each(kinds)(
    "carry text and bytes both ways in the headers and trailers of a $kind call",
    async ({ call }) => {
      await using ends = await open(pair, marking);
      let header: Metadata = {};
      let trailer: Metadata = {};
      await call(ends.client, {
        headers: { "x-text": text, "x-data-bin": bytes },
        onHeader: (got) => {
          header = got;
        },
        onTrailer: (got) => {
          trailer = got;
        },
      });
      expect(header).toMatchObject({ "x-header": `got ${text}`, "x-header-bin": bytes });
      expect(trailer).toMatchObject({ "x-trailer": `sent ${text}`, "x-trailer-bin": bytes.subarray(0, 5) });
      expect(header).not.toHaveProperty("x-trailer");
    },
  );

  it("carry empty values and large ones", async () => {
    const long = "long ".repeat(1000).trim();
    await using ends = await open(pair, {
      async unary(_name, { headers }) {
        return `${JSON.stringify(headers["x-empty"])} ${String(headers["x-long"]).length}`;
      },
    });
    const answer = await ends.client.unary("a", { headers: { "x-empty": "", "x-long": long } });
    expect(answer).toBe(`"" ${long.length}`);
  });

  it("carry metadata with an error", async () => {
    await using ends = await open(pair, {
      async unary() {
        throw new Refusal(Code.NotFound, "gone", { "x-where": "elsewhere", "x-where-bin": bytes });
      },
      async *bidi(names) {
        for await (const name of names) yield name;
        throw new Refusal(Code.NotFound, "gone", { "x-where": "elsewhere", "x-where-bin": bytes });
      },
    });
    let trailer: Metadata = {};
    const onTrailer = (got: Metadata): void => {
      trailer = got;
    };
    for (const outcome of [
      () => ends.client.unary("a", { onTrailer }),
      () => all(ends.client.bidi(each(["a"]), { onTrailer })),
    ]) {
      const failure = await failureOf(ends.client, outcome());
      // nice-grpc puts no metadata on its errors, but calls back with the trailers.
      expect(failure.metadata ?? trailer).toMatchObject({ "x-where": "elsewhere", "x-where-bin": bytes });
    }
  });

  it("carry group and version as plain metadata", async () => {
    const selector = { group: "blue", version: "1.2.0" };
    await using ends = await open(
      pair,
      {
        async unary(_name, { headers }) {
          return `${String(headers["tri-service-group"])} ${String(headers["tri-service-version"])}`;
        },
        bidi: (names) => names,
      },
      { client: { selector }, server: { selector } },
    );
    expect(await ends.client.unary("a")).toBe("blue 1.2.0");
    expect(await ends.client.unary("a", { headers: { "x-text": text } })).toBe("blue 1.2.0");
    expect(await all(ends.client.bidi(each(["a"])))).toEqual(["a"]);
  });
});

describe.each(pairs.filter(({ engine }) => engine.server))("$title", (pair) => {
  it("meet by group and version, and by nothing else", async () => {
    await using server = await serve({
      port: 0,
      host: "127.0.0.1",
      logger: { ...console, debug() {} },
      routes(router) {
        const as = (who: string) => ({ greet: async () => ({ greeting: who }) });
        router.service(GreetService, as("the default"));
        router.service(GreetService, as("blue 1"), { group: "blue", version: "1" });
        router.service(GreetService, as("blue 2"), { group: "blue", version: "2" });
      },
    });
    const ask = async (selector?: { group: string; version: string }): Promise<string> => {
      await using client = pair.connect(server.port, selector === undefined ? {} : { selector });
      return await client.unary("a").catch((error) => `${client.failure(error).code}`);
    };
    expect(await ask()).toBe("the default");
    expect(await ask({ group: "blue", version: "1" })).toBe("blue 1");
    expect(await ask({ group: "blue", version: "2" })).toBe("blue 2");
    expect(await ask({ group: "blue", version: "3" })).toBe(String(Code.Unimplemented));
    expect(await ask({ group: "red", version: "1" })).toBe(String(Code.Unimplemented));
  });
});

it("group and version of the address and of the client go to a foreign server as they go to ours", async () => {
  const [pair] = pairs.filter((each) => each.title === "our client and a grpc-js server");
  await using server = await pair!.serve({
    async unary(_name, { headers }) {
      return JSON.stringify([headers["tri-service-group"] ?? null, headers["tri-service-version"] ?? null]);
    },
  });
  const address = `tri://127.0.0.1:${server.port}`;
  const ask = async (url: string, options: { group?: string; version?: string }): Promise<string> => {
    await using transport = createTransport(url);
    return (await createClient(GreetService, transport, options).greet({})).greeting;
  };
  expect(await ask(address, {})).toBe("[null,null]");
  expect(await ask(`${address}?group=a&version=1`, {})).toBe('["a","1"]');
  expect(await ask(`${address}?group=a&version=1`, { group: "b" })).toBe('["b","1"]');
  expect(await ask(address, { version: "2" })).toBe('[null,"2"]');
});

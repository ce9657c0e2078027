// SPDX-License-Identifier: Apache-2.0
// What is thrown may be anything. It is an error of its call, with a code and a text, and of nothing else.
// Mutant: core/src/dialects/grpc/status.ts # return Number.isInteger(code) && code > 0 ? code : Code.Unknown; => return code;
// Mutant: core/src/dialects/grpc/status.ts # fields.push(grpcMessage, encodeText(error.rawMessage)); => fields.push(grpcMessage, encodePercent(error.rawMessage));
// Mutant: core/src/engine/call/server-call.ts # this.finish(thrownConnectError(error) ?? this.host.owner.unexpected(this, error)); => this.finish(error instanceof ConnectError ? error : this.host.owner.unexpected(this, error));
// Mutant: core/src/engine/call/client-call.ts # this.cancel(errorFromThrown(error, Code.Internal)); => this.cancel(ConnectError.from(error, Code.Internal));
import { Code, ConnectError, createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind, quiet } from "./every-link.js";
import { startWatched } from "./watched-link.js";

const fail = (): never => {
  throw new Error("looked at");
};
/** Every access throws. */
const hostile: ProxyHandler<object> = {
  get: fail,
  has: fail,
  getPrototypeOf: fail,
  getOwnPropertyDescriptor: fail,
  ownKeys: fail,
};

function errorWith(name: "message" | "stack" | "name"): Error {
  return Object.defineProperty(new Error("secret"), name, { get: fail });
}

/** Values that are not `ConnectError`s, and the log's words for them. */
const odd: readonly [what: string, thrown: unknown, logged: RegExp][] = [
  ["undefined", undefined, /thrown value undefined$/],
  ["null", null, /thrown value null$/],
  ["a text", "secret", /thrown value secret$/],
  ["an empty text", "", /thrown value $/],
  ["a number", 42, /thrown value 42$/],
  ["a symbol", Symbol("secret"), /thrown value Symbol\(secret\)$/],
  ["an object", { secret: 1 }, /thrown value \[object Object\]$/],
  ["an object with toString: null", { toString: null }, /a thrown object that has no text$/],
  ["an object whose toString throws", { toString: fail }, /a thrown object that has no text$/],
  ["an object without a prototype", Object.create(null), /a thrown object that has no text$/],
  ["a function", fail, /thrown value \(\)\s?=>/],
  ["a class", class Secret {}, /thrown value class Secret/],
  ["a proxy whose every access throws", new Proxy({}, hostile), /a thrown object that has no text$/],
  [
    "an error behind such a proxy",
    new Proxy(new Error("secret"), hostile),
    /a thrown object that has no text$/,
  ],
  ["an error whose message throws", errorWith("message"), /(?:Error: secret|has no text$)/],
  ["an error whose stack throws", errorWith("stack"), /a thrown object that has no text$/],
  ["an error whose name throws", errorWith("name"), /(?:Error: secret|has no text$)/],
  ["an error that is frozen", Object.freeze(new Error("secret")), /Error: secret/],
  ["an AbortError", new DOMException("secret", "AbortError"), /AbortError: secret/],
  ["an AggregateError", new AggregateError([new Error("secret")], "several"), /AggregateError: several/],
  [
    "what only calls itself a ConnectError",
    Object.assign(new Error("secret"), { name: "ConnectError" }),
    /: secret/,
  ],
];

interface Started {
  readonly client: ReturnType<typeof createClient<typeof GreetService>>;
  readonly lines: string[];
  goesOn(): Promise<void>;
}

/** A server whose handlers throw, each kind in the ways that there are. */
async function throwing(link: LinkKind, thrown: unknown): Promise<Started & AsyncDisposable> {
  const lines: string[] = [];
  const keep = (line: string): void => void lines.push(line);
  const end = await startWatched(link, {
    logger: { ...quiet, error: keep, warn: keep },
    routes: (r) =>
      r
        .service(GreetService, {
          greet({ name }) {
            if (name === "later") return Promise.reject(thrown);
            throw thrown;
          },
          async greetClientStream(requests) {
            for await (const _ of requests);
            throw thrown;
          },
          async *greetServerStream({ name }) {
            if (name === "later") yield { greeting: "one" };
            throw thrown;
          },
          greetStream: () => ({
            [Symbol.asyncIterator]() {
              throw thrown;
            },
          }),
        })
        .service(GreetService, { greet: ({ name }) => ({ greeting: name }) }, { group: "well" }),
  });
  const well = createClient(GreetService, end.transport, { group: "well" });
  return {
    client: createClient(GreetService, end.transport),
    lines,
    async goesOn() {
      await end.leftClean();
      expect((await well.greet({ name: "on" })).greeting).toBe("on");
      await end.leftClean();
    },
    [Symbol.asyncDispose]: () => end[Symbol.asyncDispose](),
  };
}

function calls(client: Started["client"]): Promise<unknown>[] {
  return [
    client.greet({}),
    client.greet({ name: "later" }),
    client.greetClientStream([{}]),
    all(client.greetServerStream({})),
    all(client.greetServerStream({ name: "later" })),
    all(client.greetStream([{}])),
    client.greetStream().receive(),
  ];
}

/** The outcome of an error that can't be read. */
const unexpected = {
  code: Code.Internal,
  rawMessage: expect.stringMatching(/^internal error \(id/) as unknown,
};

/** The outcome of an error whose text is cut, so that no peer refuses the headers that carry it. */
const cut = (pattern: string) => ({
  code: Code.Aborted,
  rawMessage: expect.stringMatching(new RegExp(`^(?:${pattern})…$`, "u")) as unknown,
  long: true,
});

describe.each(everyLink)("a handler over $name that throws", (link) => {
  test.each(odd)(
    "%s: the client gets an id and no secret, the log the id and what was thrown",
    async (_what, thrown, logged) => {
      await using started = await throwing(link, thrown);
      const { client, lines, goesOn } = started;
      const errors = await Promise.all(calls(client).map((call) => errorOf(call)));
      for (const error of errors) {
        expect(error.code).toBe(Code.Internal);
        const [, id] = /^internal error \(id ([a-z0-9]{8})\)$/.exec(error.rawMessage) ?? [];
        const told = lines.filter((line) => line.includes(`(id ${id})`));
        expect(told).toHaveLength(1);
        expect(told[0]).toMatch(logged);
      }
      expect(lines).toHaveLength(errors.length);
      await goesOn();
    },
  );

  test.each([
    ["0, which would be a success", 0],
    ["-1", -1],
    ["not a number", Number.NaN],
    ["1.5", 1.5],
    ["infinite", Number.POSITIVE_INFINITY],
    ["a text", "5"],
    ["null", null],
    ["one that nobody defines", 99],
  ])("a ConnectError whose code is %s: Unknown, with its text", async (_what, code) => {
    const error = Object.assign(new ConnectError("as it is"), { code });
    await using started = await throwing(link, error);
    const { client, goesOn } = started;
    for (const call of calls(client))
      expect(await errorOf(call)).toMatchObject({ code: Code.Unknown, rawMessage: "as it is" });
    await goesOn();
  });

  test.each([
    ["metadata", null, unexpected],
    ["metadata", { forEach: fail }, unexpected],
    ["details", [{ desc: null, value: 1 }], { code: Code.Aborted, rawMessage: "as it is" }],
    ["details", [new Proxy({}, hostile)], { code: Code.Aborted, rawMessage: "as it is" }],
    ["rawMessage", "a\ud800b", { code: Code.Aborted, rawMessage: "a\ufffdb" }],
    ["rawMessage", "€".repeat(100_000), cut("€+")],
    ["rawMessage", "%".repeat(100_000), cut("%+")],
    ["rawMessage", "🎉".repeat(10_000), cut("(?:🎉)+\ufffd?")],
  ])(
    "a ConnectError with odd %s: there is an answer, and the connection goes on",
    async (field, value, expected) => {
      const error = Object.assign(new ConnectError("as it is", Code.Aborted), { [field]: value });
      await using started = await throwing(link, error);
      const { client, lines, goesOn } = started;
      for (const call of calls(client)) {
        const { code, rawMessage, details } = await errorOf(call);
        const bytes = encodeURIComponent(rawMessage).length;
        expect(bytes).toBeLessThanOrEqual(4096);
        const long = bytes > 3500;
        expect({ code, rawMessage, details, long }).toEqual({ details: [], long: false, ...expected });
      }
      expect(lines.length > 0).toBe(expected.code === Code.Internal);
      await goesOn();
    },
  );
});

describe.each(everyLink)("a client over $name", (link) => {
  async function start() {
    const end = await startWatched(link, {
      routes: (r) =>
        r.service(GreetService, {
          greet: ({ name }) => ({ greeting: name }),
          async greetClientStream(requests) {
            for await (const _ of requests);
            return {};
          },
          async *greetServerStream() {
            yield {};
          },
          async *greetStream(requests) {
            yield {};
            for await (const _ of requests);
          },
        }),
    });
    return { end, client: createClient(GreetService, end.transport) };
  }

  test.each(odd)("whose requests throw %s: an error of that call alone", async (_what, thrown) => {
    const { end, client } = await start();
    await using _end = end;
    const requests: AsyncIterable<object>[] = [
      (async function* () {
        yield {};
        throw thrown;
      })(),
      { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(thrown) }) },
      {
        [Symbol.asyncIterator]() {
          throw thrown;
        },
      },
      {
        [Symbol.asyncIterator]: () => ({
          next() {
            throw thrown;
          },
        }),
      },
    ];
    for (const given of requests)
      expect(await errorOf(client.greetClientStream(given))).toBeInstanceOf(ConnectError);
    for (const given of requests.slice(1))
      expect(await errorOf(all(client.greetStream(given)))).toBeInstanceOf(ConnectError);
    await end.leftClean();
    expect((await client.greet({ name: "on" })).greeting).toBe("on");
  });

  test.each(odd)(
    "whose interceptors, callbacks and signals throw %s: an error of that call alone",
    async (_what, thrown) => {
      const { end, client } = await start();
      await using _end = end;
      const toss = (): never => {
        throw thrown;
      };
      const interceptors: Interceptor[] = [
        () => toss,
        () => () => Promise.reject(thrown),
        (next) => async (req) => {
          await next(req);
          return toss();
        },
      ];
      for (const interceptor of interceptors) {
        const other = createClient(GreetService, end.transport, { interceptors: [interceptor] });
        expect(await errorOf(other.greet({}))).toBeInstanceOf(ConnectError);
        expect(await errorOf(all(other.greetServerStream({})))).toBeInstanceOf(ConnectError);
        expect(await errorOf(other.greetClientStream().closeAndReceive())).toBeInstanceOf(ConnectError);
      }
      for (const options of [{ onHeader: toss }, { signal: AbortSignal.abort(thrown) }]) {
        expect(await errorOf(client.greet({}, options))).toBeInstanceOf(ConnectError);
        expect(await errorOf(all(client.greetServerStream({}, options)))).toBeInstanceOf(ConnectError);
      }
      const asking = createClient(GreetService, end.transport, { headers: toss });
      expect(await errorOf(asking.greet({}))).toBeInstanceOf(ConnectError);
      const chat = client.greetStream();
      await chat.receive();
      chat.cancel(thrown);
      expect((await errorOf(chat.receive())).code).toBe(Code.Canceled);
      await end.leftClean();
      expect((await client.greet({ name: "on" })).greeting).toBe("on");
    },
  );
});

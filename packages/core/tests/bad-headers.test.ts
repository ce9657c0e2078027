// SPDX-License-Identifier: Apache-2.0
// Headers that HTTP/2 or the protocol forbids, or that are none: refused where they are set, by an error that names them.
// Mutant: core/src/protocol/check-field.ts # if (names.isReserved(name)) { => if (false) {
// Mutant: core/src/engine/call/server-response.ts # this.trailers ??= new CheckedHeaders(undefined, Code.Internal); => this.trailers ??= new Headers();
// Mutant: core/src/client/api/client-method-caller.ts # : new CheckedHeaders(options.headers); => : new Headers(options.headers);
// Mutant: core/src/protocol/checked-headers.ts # if (init === null) return "null"; => if (false) return "null";
// Mutant: core/src/protocol/metadata.ts # unsendable?.(reason as ConnectError);
import {
  createClient as createConnectClient,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import { Code, ConnectError, createClient, type Interceptor, type TripleContext } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf } from "./events.js";
import { everyLink, type LinkKind, quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { startWatched, type Watched } from "./watched-link.js";

interface Row {
  /** As a title shows it. */
  readonly what: string;
  readonly name: string;
  readonly value: string;
  readonly text: RegExp;
}

const own = (name: string, value: string, advice: string): Row => ({
  what: `${name}: ${value}`,
  name,
  value,
  text: new RegExp(`^header "${name.toLowerCase()}" belongs to the protocol and can't be set: ${advice}$`),
});
const odd = (value: string, character: string, at: number): Row => ({
  what: `x-odd: ${JSON.stringify(value)}`,
  name: "x-odd",
  value,
  text: new RegExp(
    `^value of header "x-odd" has character ${character.replace("+", "\\+")} at ${at}: only visible ASCII, space and tab`,
  ),
});
const unnamable = (name: string): Row => ({
  what: `${JSON.stringify(name)}: 1`,
  name,
  value: "1",
  text: /^header name ".*" is not allowed: use lower-case letters, digits and /,
});

const rows: readonly Row[] = [
  own(":path", "/x", "leave it out"),
  own(":status", "200", "leave it out"),
  own("connection", "close", "leave it out"),
  own("keep-alive", "timeout=5", "leave it out"),
  own("proxy-connection", "close", "leave it out"),
  own("transfer-encoding", "chunked", "leave it out"),
  own("upgrade", "h2c", "leave it out"),
  own("host", "elsewhere", "leave it out"),
  own("content-length", "7", "leave it out"),
  own("te", "gzip", "leave it out"),
  own("Content-Type", "text/plain", "leave it out"),
  own("grpc-timeout", "1n", "use timeoutMs"),
  own("grpc-encoding", "br", "use sendCompression, or compressResponses of a server"),
  own("grpc-accept-encoding", "br", "use acceptCompression"),
  own("grpc-status", "0", "throw a ConnectError"),
  own("GRPC-Message", "no", "throw a ConnectError"),
  own("grpc-status-details-bin", "AA", "throw a ConnectError with details"),
  odd("a\0b", "U+0000", 1),
  odd("a\r\nset-cookie: b", "U+000D", 1),
  odd("a\u0001", "U+0001", 1),
  odd("\u001b[31mred", "U+001B", 0),
  odd("del\u007f", "U+007F", 3),
  odd("ä", "U+00E4", 0),
  odd("1 €", "U+20AC", 2),
  odd("\ud800", "U+D800", 0),
  unnamable("x odd"),
  unnamable("x:odd"),
  unnamable(":odd"),
  unnamable("x-ödd"),
  unnamable("x-odd\n"),
  unnamable(""),
];

const allowed = "give Headers, an array of \\[name, value\\], or an object of names and values";

/** Values that are not headers, by the words of the error. */
const noHeaders: readonly [seen: string, value: unknown][] = [
  ["null", null],
  ["a number", 5],
  ["a string", "abc"],
  ["a boolean", true],
  ["a symbol", Symbol("x")],
];

/** Values that could be headers, but can't be read. */
const unreadable: readonly [what: string, value: unknown][] = [
  ["a name without a value", [["x-a"]]],
  ["names alone", ["x-a", "x-b"]],
  ["an iterator that is none", { [Symbol.iterator]: 5 }],
  ["a value that has no text", { "x-a": Object.create(null) }],
  ["a value that is a symbol", { "x-a": Symbol("x") }],
  [
    "a value that throws",
    {
      get "x-a"(): string {
        throw new Error("looked at");
      },
    },
  ],
];

/** A server whose handlers do to their context what a test says, and count how often they ran. */
async function start(link: LinkKind, set: (context: TripleContext) => void = () => {}) {
  const seen = { runs: 0 };
  const plain = greeter();
  const lines: string[] = [];
  const end = await startWatched(link, {
    logger: { ...quiet, warn: (line) => lines.push(line), error: (line) => lines.push(line) },
    routes: (r) =>
      r.service(GreetService, {
        async greet(request, context) {
          seen.runs++;
          if (request.name !== "after") set(context);
          return plain.greet(request, context);
        },
        async greetClientStream(requests, context) {
          seen.runs++;
          set(context);
          return plain.greetClientStream(requests, context);
        },
        async *greetServerStream(request, context) {
          seen.runs++;
          set(context);
          yield* plain.greetServerStream(request, context);
        },
        async *greetStream(requests, context) {
          seen.runs++;
          set(context);
          yield* plain.greetStream(requests, context);
        },
      }),
  });
  const client = createClient(GreetService, end.transport);
  return { end, client, seen, lines, goesOn: () => goesOn(end, client) };
}

type Client = ReturnType<typeof createClient<typeof GreetService>>;
type Options = NonNullable<Parameters<Client["greet"]>[1]>;

/** Nothing is left of the calls before, and the next one is served on the same connection. */
async function goesOn(end: Watched, client: Client): Promise<void> {
  await end.leftClean();
  expect((await client.greet({ name: "after" })).greeting).toBe("after");
  await end.leftClean();
}

async function chat(client: Client, options?: Options): Promise<unknown> {
  const stream = client.greetStream(options);
  await stream.closeRequest();
  return stream.receive();
}

/** Every form of call. */
function calls(client: Client, options?: Options): Promise<unknown>[] {
  return [
    client.greet({}, options),
    client.greetClientStream([{}], options),
    all(client.greetServerStream({}, options)),
    all(client.greetStream([{}], options)),
    client.greetClientStream(options).closeAndReceive(),
    chat(client, options),
  ];
}

async function expectRefused(
  refused: readonly PromiseLike<unknown>[],
  text: RegExp,
  code: Code = Code.InvalidArgument,
): Promise<void> {
  for (const error of await Promise.all(refused.map((call) => errorOf(call)))) {
    expect(error.rawMessage).toMatch(text);
    expect(error.code).toBe(code);
  }
}

/** Every form of call refuses `value` for its headers, and so does every way of giving a client its own. */
async function expectNoHeaders(end: Watched, client: Client, value: unknown, text: RegExp): Promise<void> {
  const headers = value as HeadersInit;
  await expectRefused(calls(client, { headers }), text);
  const connect = createConnectClient(GreetService, end.transport);
  await expectRefused(
    [connect.greet({}, { headers }), all(connect.greetServerStream({}, { headers }))],
    text,
  );
  await expectRefused(calls(createClient(GreetService, end.transport, { headers: () => headers })), text);
  expect(() => createClient(GreetService, end.transport, { headers })).toThrow(
    expect.objectContaining({ code: Code.InvalidArgument, rawMessage: expect.stringMatching(text) }),
  );
}

describe.each(everyLink)("a client over $name", (link) => {
  test.each(rows)("can't set $what, in a call or before it", async ({ name, value, text }) => {
    const { end, client, seen, goesOn } = await start(link);
    await using _end = end;
    await expectRefused(calls(client, { headers: { [name]: value } }), text);
    await expectRefused(
      calls(client, {
        headers: [
          ["x-fine", "1"],
          [name, value],
        ],
      }),
      text,
    );
    const asking = createClient(GreetService, end.transport, { headers: async () => ({ [name]: value }) });
    await expectRefused(calls(asking), text);
    expect(() => createClient(GreetService, end.transport, { headers: { [name]: value } })).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument, rawMessage: expect.stringMatching(text) }),
    );
    expect(seen.runs).toBe(0);
    await goesOn();
  });

  test.each(rows)("has no interceptor that can set $what", async ({ name, value, text }) => {
    const { end, seen, goesOn } = await start(link);
    await using _end = end;
    const set: Interceptor = (next) => async (req) => {
      req.header.set(name, value);
      return next(req);
    };
    const append: Interceptor = (next) => (req) => {
      req.header.append(name, value);
      return next(req);
    };
    for (const interceptor of [set, append]) {
      await expectRefused(
        calls(createClient(GreetService, end.transport, { interceptors: [interceptor] })),
        text,
      );
    }
    expect(seen.runs).toBe(0);
    await goesOn();
  });

  test.each(rows.filter(({ name, value }) => canBeHeaders(name, value)))(
    "has no interceptor that can give headers of its own with $what",
    async ({ name, value, text }) => {
      const { end, seen, goesOn } = await start(link);
      await using _end = end;
      const copy: Interceptor = (next) => (req) =>
        next({ ...req, header: new Headers({ [name]: value }) } as UnaryRequest & StreamRequest);
      const client = createClient(GreetService, end.transport, { interceptors: [copy] });
      await expectRefused(calls(client), text);
      expect(seen.runs).toBe(0);
      await goesOn();
    },
  );

  test.each(noHeaders)("can't give %s for headers, in a call or before it", async (seen, value) => {
    const { end, client, seen: ran, goesOn } = await start(link);
    await using _end = end;
    const text = new RegExp(`^headers are ${seen}: ${allowed}; or leave them out$`);
    await expectNoHeaders(end, client, value, text);
    expect(ran.runs).toBe(0);
    await goesOn();
  });

  test.each(unreadable)("can't give headers with %s, in a call or before it", async (_what, value) => {
    const { end, client, seen, goesOn } = await start(link);
    await using _end = end;
    await expectNoHeaders(end, client, value, new RegExp(`^headers can't be read: .+: ${allowed}$`));
    expect(seen.runs).toBe(0);
    await goesOn();
  });

  test("can't give a function or a promise for a call's headers, and may give undefined for any", async () => {
    const { end, client, seen, goesOn } = await start(link);
    await using _end = end;
    for (const [was, value] of [
      ["a function", () => ({ "x-token": "1" })],
      ["a promise", Promise.resolve({ "x-token": "1" })],
    ]) {
      const text = new RegExp(`^headers are ${was}: ${allowed}; or leave them out$`);
      await expectRefused(calls(client, { headers: value as never }), text);
    }
    expect(seen.runs).toBe(0);
    for (const headers of [undefined, () => undefined as never])
      await Promise.all(
        calls(createClient(GreetService, end.transport, { headers }), { headers: undefined as never }),
      );
    expect(seen.runs).toBe(12);
    await goesOn();
  });

  test("can set names in any case, values with white space around, and names that only look reserved", async () => {
    const got: (string | null)[] = [];
    const { end, client } = await start(link, ({ requestHeader }) => {
      for (const name of ["x-upper", "x-token", "grpc-tags-bin", "tri-req-id", "x-empty", "user-agent"])
        got.push(requestHeader.get(name));
    });
    await using _end = end;
    const headers = {
      "X-Upper": "Ab",
      "x-token": " secret\n",
      "grpc-tags-bin": "AA",
      "tri-req-id": "1",
      "x-empty": "",
      "user-agent": "mine/1",
    };
    await client.greet({}, { headers });
    expect(got).toEqual(["Ab", "secret", "AA", "1", "", "mine/1"]);
    got.length = 0;
    await createClient(GreetService, end.transport, { headers }).greet({});
    expect(got).toEqual(["Ab", "secret", "AA", "1", "", "mine/1"]);
  });

  test("can't ask for a group, version or interface that no header or path can carry", async () => {
    const { end, seen, goesOn } = await start(link);
    await using _end = end;
    for (const [selector, name] of [
      [{ group: "größe" }, "tri-service-group"],
      [{ version: "1\n" }, "tri-service-version"],
      [{ version: "1\u0000" }, "tri-service-version"],
    ] as const) {
      const client = createClient(GreetService, end.transport, selector);
      await expectRefused(calls(client), new RegExp(`^value of header "${name}" has character `));
    }
    expect(() => createClient(GreetService, end.transport, { interface: "org.größe.Greeter" })).toThrow(
      'interface "org.größe.Greeter" can\'t be in a path: use visible ASCII without spaces',
    );
    expect(seen.runs).toBe(0);
    await goesOn();
  });
});

function canBeHeaders(name: string, value: string): boolean {
  try {
    new Headers({ [name]: value });
    return true;
  } catch {
    return false;
  }
}

describe.each(everyLink)("a handler over $name", (link) => {
  test.each(rows)("can't set $what in its headers or trailers", async ({ name, value, text }) => {
    const refusals: unknown[] = [];
    const { end, client, goesOn } = await start(link, ({ responseHeader, responseTrailer }) => {
      for (const set of [
        () => responseHeader.set(name, value),
        () => responseHeader.append(name, value),
        () => responseTrailer.append(name, value),
        () => responseTrailer.set(name, value),
      ]) {
        try {
          set();
        } catch (error) {
          refusals.push(error);
        }
      }
      throw refusals.at(-1);
    });
    await using _end = end;
    // A handler that does not catch the error ends its call with it.
    await expectRefused(calls(client), text, Code.Internal);
    expect(refusals).toHaveLength(4 * 6);
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(ConnectError);
    await goesOn();
  });

  test.each(rows.filter(({ name, value }) => canBeHeaders(name, value)))(
    "has no interceptor that can set $what",
    async ({ name, value, text }) => {
      for (const part of ["header", "trailer"] as const) {
        const copy: Interceptor = (next) => async (req) =>
          ({ ...(await next(req)), [part]: new Headers({ [name]: value }) }) as never;
        await using end = await startWatched(link, {
          routes: (r) =>
            r
              .service(GreetService, greeter(), { interceptors: [copy] })
              .service(GreetService, greeter(), { group: "well" }),
        });
        await expectRefused(calls(createClient(GreetService, end.transport)), text, Code.Internal);
        await goesOn(end, createClient(GreetService, end.transport, { group: "well" }));
      }
    },
  );

  test.each(
    rows.filter(({ name, value, text }) => canBeHeaders(name, value) && !/belongs/.test(text.source)),
  )(
    "whose error has $what in its metadata: the error arrives, and the log says what was left out",
    async ({ name, value, text }) => {
      const { end, client, lines, goesOn } = await start(link, () => {
        throw new ConnectError("the error itself", Code.Aborted, { [name]: value, "x-fine": "1" });
      });
      await using _end = end;
      for (const call of calls(client)) {
        const error = await errorOf(call);
        expect(error).toMatchObject({ code: Code.Aborted, rawMessage: "the error itself" });
        expect(error.metadata.get("x-fine")).toBe("1");
        expect(error.metadata.has(name)).toBe(false);
      }
      await goesOn();
      expect(lines).toHaveLength(6);
      for (const line of lines) {
        const [, reason] =
          /^the error of greet\.GreetService\/\w+, called by .+, was sent without some of its metadata: (.*)$/.exec(
            line,
          ) ?? [];
        expect(reason).toMatch(text);
      }
    },
  );

  test("may pass an error on that it got itself: what belongs to the protocol in it is left out", async () => {
    await using back = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet() {
            throw new ConnectError("from behind", Code.DataLoss, { "x-behind": "1" });
          },
        }),
    });
    const behind = createClient(GreetService, back.transport);
    const { end, client, lines } = await start(link);
    await using _end = end;
    await using front = await link.start({
      logger: { ...quiet, warn: (line) => lines.push(line) },
      routes: (r) => r.service(GreetService, { greet: (request) => behind.greet(request) }),
    });
    const error = await errorOf(createClient(GreetService, front.transport).greet({}));
    expect(error).toMatchObject({ code: Code.DataLoss, rawMessage: "from behind" });
    expect(error.metadata.get("x-behind")).toBe("1");
    expect(error.metadata.get("grpc-status")).toBe("15");
    expect(lines).toEqual([]);
    await client.greet({});
  });
});

// SPDX-License-Identifier: Apache-2.0
// Names that each object has, and `then`, are names like others: of rpcs, groups, metadata, attachments.
// Mutant: core/src/server/routing/create-router.ts # if (prototype === null && owner !== implementation) return undefined;
// Mutant: core/src/client/api/awaitable-client.ts # if (typeof first === "function") return void first(plain);
// Mutant: core/src/protocol/attachments.ts # const attachment = original.get(key) ?? original.get(name) ?? key; => const attachment = ({} as Record<string, string>)[key] ?? original.get(name) ?? key;
import type { StringValue } from "@bufbuild/protobuf/wkt";
import { createRouterTransport } from "@connectrpc/connect";
import { Code, createClient, mount, readAttachments } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { errorOf } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";
import { Odd } from "./inherited-names.js";

const rpcs = ["hasOwnProperty", "isPrototypeOf", "toString$", "constructor$", "then", "plain"] as const;
const names = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf", "isPrototypeOf"];

describe.each(everyLink)("over $name", (link) => {
  test.each(rpcs)("an rpc %s that nobody has implemented is Unimplemented", async (name) => {
    class Nothing {}
    for (const implementation of [{}, new Nothing(), Object.create(null) as object]) {
      await using end = await link.start({ routes: (r) => r.service(Odd, implementation as never) });
      const error = await errorOf(createClient(Odd, end.transport)[name]({}));
      expect(error.code).toBe(Code.Unimplemented);
      expect(error.rawMessage).toMatch(/^odd\.Odd\/\w+ is not implemented$/);
    }
  });

  test.each(rpcs)("an rpc %s is called as others are, of an object and of a class", async (name) => {
    class Implementation {
      readonly said = "mine: ";
    }
    Object.defineProperty(Implementation.prototype, name, {
      value(this: Implementation, { value }: { value: string }) {
        return { value: this.said + value };
      },
    });
    const own = { said: "mine: ", [name]: Implementation.prototype[name as never] };
    for (const implementation of [new Implementation(), own]) {
      await using end = await link.start({ routes: (r) => r.service(Odd, implementation as never) });
      expect(await createClient(Odd, end.transport)[name]({ value: "a" })).toMatchObject({
        value: "mine: a",
      });
    }
  });

  test("a client with an rpc Then can be awaited, which makes no call", async () => {
    let calls = 0;
    await using end = await link.start({
      routes: (r) =>
        r.service(Odd, {
          // biome-ignore lint/suspicious/noThenProperty: the rpc is called so.
          then: ({ value }: StringValue) => {
            calls++;
            return { value };
          },
          plain: ({ value }: StringValue) => ({ value }),
        } as never),
    });
    const client = createClient(Odd, end.transport);
    const made: unknown = client;
    const awaited = (await (async () => made)()) as typeof client & {
      then$: (typeof client)["then"];
    };
    expect(calls).toBe(0);
    expect((await awaited.plain({ value: "a" })).value).toBe("a");
    expect(awaited.then).toBeUndefined();
    expect((await awaited.then$({ value: "b" })).value).toBe("b");
    expect((await client.then({ value: "c" })).value).toBe("c");
    expect(calls).toBe(2);
    await Promise.all([made, made]);
    expect(calls).toBe(2);
  });

  test("groups and versions by such names are served, each by its own", async () => {
    await using end = await link.start({
      routes: (r) => {
        for (const name of names)
          r.service(GreetService, greeter(`${name} `), { group: name, version: name });
      },
    });
    for (const name of names) {
      const client = createClient(GreetService, end.transport, { group: name, version: name });
      expect((await client.greet({ name: "a" })).greeting).toBe(`${name} a`);
    }
    const missing = createClient(GreetService, end.transport, { group: "propertyIsEnumerable" });
    expect((await errorOf(missing.greet({}))).code).toBe(Code.Unimplemented);
  });

  test("metadata and attachments by such names are what was sent", async () => {
    const seen: object[] = [];
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, {
          greet(_request, context) {
            seen.push(readAttachments(context.requestHeader));
            for (const name of names) context.responseHeader.set(name, "b");
            return {};
          },
        }),
    });
    const headers = names.flatMap((name): [string, string][] => [
      [name.toLowerCase(), "a"],
      [`${name.toLowerCase()}x-bin`, "AQ=="],
    ]);
    let answered = new Headers();
    const onHeader = (header: Headers): void => void (answered = header);
    await createClient(GreetService, end.transport).greet({}, { headers, onHeader });
    const attachments = new Map(Object.entries(seen[0]!));
    for (const name of names.map((each) => each.toLowerCase())) {
      expect(attachments.get(name)).toBe("a");
      expect(attachments.get(`${name}x`)).toEqual(Uint8Array.of(1));
      expect(answered.get(name)).toBe("b");
    }
    expect(Object.getPrototypeOf(seen[0])).toBe(Object.prototype);
  });
});

test.each(rpcs)("an rpc %s that nobody has implemented is Unimplemented under a mount", async (name) => {
  const transport = createRouterTransport(mount((r) => r.service(Odd, {})));
  expect((await errorOf(createClient(Odd, transport)[name]({}))).code).toBe(Code.Unimplemented);
});

test("original names that dubbo-java says may be such names, too", () => {
  const hint = encodeURIComponent(
    '{"__proto__":"__PROTO__","constructor":"Constructor","tostring":"__proto__"}',
  );
  const headers = new Headers([
    ["__proto__", "1"],
    ["constructor", "2"],
    ["tostring", "3"],
    ["tri-header-convert", hint],
  ]);
  expect(new Map(Object.entries(readAttachments(headers)))).toEqual(
    new Map([
      ["__PROTO__", "1"],
      ["Constructor", "2"],
      ["__proto__", "3"],
    ]),
  );
});

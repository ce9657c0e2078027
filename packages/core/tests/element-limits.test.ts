// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. A message has a limit of elements, in both roles and in each serialisation.
// Mutant: core/src/engine/message/message-reader.ts # if (cause instanceof TooManyElementsError) { => if (false) {
// Mutant: core/src/engine/message/message-codec.ts # parse(b, start, end, owned, maxElements), => parse(b, start, end, owned),
// Mutant: core/src/engine/message/message-codec.ts # const reading = { ...options, maxElements }; => const reading = options;
// Mutant: core/src/engine/message/json-elements.ts # if (b[at] === backslash) at++; => if (false) at++;
// Mutant: core/src/engine/message/json-elements.ts # if (++container <= freeNames) { => if (++container > 0) {
// Mutant: core/src/engine/message/json-elements.ts # if (container === isArray && endsScalar(b[at - 1]!)) members += scalar;
// Mutant: core/src/engine/message/json-elements.ts # container === isArray && endsScalar => endsScalar
// Mutant: core/src/engine/message/json-elements.ts # if (endsScalar(b[at - 1]!)) members += scalar;
// Mutant: core/src/engine/message/json-elements.ts # members++;
// Mutant: core/src/engine/message/json-elements.ts # scalars ? membersPerElement : 1; => 1;
// Mutant: core/src/engine/message/json-elements.ts # else if (masks && b[at] === comma) elements++;
// Mutant: core/src/engine/message/json-elements.ts # else if (masks && b[at] === comma) elements++; => else if (b[at] === comma) elements++;
// Mutant: core/src/engine/message/message-codec.ts # jsonElements(b, start, end, maxElements, weights); => jsonElements(b, start, end, maxElements);
// Mutant: core/src/server/routing/resolve-options.ts # ?? base?.givenMaxElements;
// Mutant: core/src/client/transport/create-transport.ts # messageCodec(method.output, format, codecOptions, this.readMaxElements) => messageCodec(method.output, format, codecOptions)
// Mutant: core/src/options/number-options.ts # reads === "requests" ? 32 : 8 => 32
// Mutant: core/src/options/number-options.ts # reads === "requests" ? 32 : 8 => 8
import { create, type DescMessage } from "@bufbuild/protobuf";
import { FieldMaskSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient, type TransportOptions } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { jsonElements } from "../src/engine/message/json-elements.js";
import { messageCodec } from "../src/engine/message/message-codec.js";
import { errorOf } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

/** A request or response with so many fields that its receiver doesn't know. */
const withUnknown = (count: number) => {
  const one = { no: 20, wireType: 0, data: Uint8Array.of(1) };
  return { $unknown: Array.from({ length: count }, () => one) };
};

const formats: readonly { readonly what: string; readonly options: TransportOptions }[] = [
  { what: "the compiled codec", options: {} },
  { what: "protobuf-es", options: { binaryOptions: {} } },
];

describe.each(everyLink)("over $name", (link) => {
  test.each(formats)(
    "a message of more elements than its receiver takes ends the call, with $what",
    async ({ options }) => {
      await using end = await link.start({
        ...options,
        readMaxElements: 10,
        transport: { ...options, readMaxElements: 20 },
        routes: (r) =>
          r.service(GreetService, {
            ...greeter(),
            greet: (request) =>
              Object.assign(create(GreetService.method.greet.output), withUnknown(Number(request.name))),
          }),
      });
      const client = createClient(GreetService, end.transport);
      const request = (count: number, name = "") =>
        Object.assign(create(GreetService.method.greet.input, { name }), withUnknown(count));
      const text = (n: number) =>
        new RegExp(
          `^message of \\d+ bytes has more elements \\(messages, list and map entries, unknown fields\\) than the limit of ${n}: raise readMaxElements where`,
        );
      const tooMany = await errorOf(client.greet(request(11)));
      expect([tooMany.code, tooMany.rawMessage]).toEqual([
        Code.ResourceExhausted,
        expect.stringMatching(text(10)),
      ]);
      await client.greet(request(10, "20"));
      const answer = await errorOf(client.greet(request(0, "21")));
      expect([answer.code, answer.rawMessage]).toEqual([
        Code.ResourceExhausted,
        expect.stringMatching(text(20)),
      ]);
      const upload = Object.assign(create(GreetService.method.greetClientStream.input), withUnknown(11));
      const streamed = await errorOf(client.greetClientStream([{}, upload]));
      expect(streamed.code).toBe(Code.ResourceExhausted);
    },
  );
});

test("a registration has the server's limit, or its own; the default follows readMaxBytes", async () => {
  const [link] = everyLink;
  const code = async (server: object, registration: object, count: number): Promise<Code | undefined> => {
    await using end = await link!.start({
      ...server,
      routes: (r) => r.service(GreetService, greeter(), registration),
    });
    const request = create(GreetService.method.greet.input);
    request.$unknown = withUnknown(count).$unknown;
    const outcome = createClient(GreetService, end.transport).greet(request);
    return await outcome.then(
      () => undefined,
      (error) => error.code as Code,
    );
  };
  const refused = Code.ResourceExhausted;
  expect(await code({ readMaxElements: 5 }, {}, 6)).toBe(refused);
  expect(await code({ readMaxElements: 5 }, { readMaxBytes: 100_000 }, 6)).toBe(refused);
  expect(await code({ readMaxElements: 5 }, { readMaxElements: 6 }, 6)).toBeUndefined();
  // A given limit holds, also if it equals the default.
  expect(await code({ readMaxElements: 131_072 }, { readMaxBytes: 5000 }, 1001)).toBeUndefined();
  expect(await code({ readMaxBytes: 5000 }, {}, 1001)).toBe(refused);
  expect(await code({ readMaxBytes: 5000 }, { readMaxBytes: 40_000 }, 1001)).toBeUndefined();
  expect(await code({}, { readMaxBytes: 5000 }, 1001)).toBe(refused);
});

test("JSON counts objects, arrays and texts, and a quarter of names and of scalars in arrays", () => {
  const text = '{"a\\\\\\"b{[:":"c:,\\"","d":[1,2,{"e":null},[]],"f":["x","y"]}';
  JSON.parse(text);
  const b = Buffer.from(`..${text}"`);
  const check = (n: number): number => jsonElements(b, 2, b.length - 1, n);
  // Eight, and four names with two numbers and a null make one more.
  expect(check(9)).toBe(9);
  expect(() => check(8)).toThrow("more than 8 elements");
});

test("JSON counts the names of an object beyond 64, as of a map", () => {
  const names = (n: number): string => Array.from({ length: n }, (_, i) => `"${i}":${i}`).join(",");
  const check = (text: string, n: number): number => jsonElements(Buffer.from(text), 0, text.length, n);
  expect(check(`[{${names(64)}},{${names(64)}}]`, 35)).toBe(3 + 32);
  expect(check(`[{${names(66)}},{${names(64)}}]`, 37)).toBe(5 + 32);
  expect(() => check(`{"a":[{}],${names(65)}}`, 20)).toThrow("more than 20 elements");
});

test("JSON counts the paths of a field mask, and no commas of other texts", () => {
  const parse = (schema: DescMessage, text: string): unknown => {
    const b = Buffer.from(text);
    return messageCodec(schema, "json", {}, 5).parse(b, 0, b.length, false);
  };
  expect(parse(FieldMaskSchema, '"a,b.c,d,e,f"')).toMatchObject({ paths: ["a", "b.c", "d", "e", "f"] });
  expect(() => parse(FieldMaskSchema, '"a,b.c,d,e,f,g"')).toThrow("more than 5 elements");
  expect(parse(GreetRequestSchema, '{"name":"a,b,c,d,e,f,g,h"}')).toMatchObject({ name: "a,b,c,d,e,f,g,h" });
});

test("JSON counts numbers, booleans and nulls of arrays where these become messages", () => {
  const text = '{"list":[0,null ,true,"",{},[],[ 1.5],-1e9],"number":7,"other":[]}';
  const request = Buffer.from(text);
  const codec = (schema: DescMessage) => messageCodec(schema, "json", {}, 100);
  const elements = (schema: DescMessage): number => {
    const { parse, elements } = codec(schema);
    parse(request, 0, request.length, false);
    return elements();
  };
  // The list has five scalars. There are three names.
  expect(elements(StructSchema)).toBe(12);
  expect(elements(GreetRequestSchema)).toBe(7 + 2);
  const many = Buffer.from(`{"list":[${"0,".repeat(100)}0]}`);
  expect(() => codec(StructSchema).parse(many, 0, many.length, false)).toThrow("more than 100 elements");
  codec(GreetRequestSchema).parse(many, 0, many.length, false);
});

test.each([
  ["server", 32],
  ["client", 8],
] as const)("a %s takes one element in %d bytes of readMaxBytes", async (side, bytes) => {
  const [link] = everyLink;
  const readMaxBytes = 64_000;
  await using end = await link!.start({
    ...(side === "server" ? { readMaxBytes } : { transport: { readMaxBytes } }),
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        greet: (request) =>
          Object.assign(create(GreetService.method.greet.output), withUnknown(Number(request.name))),
      }),
  });
  const client = createClient(GreetService, end.transport);
  const call = (count: number) =>
    side === "client"
      ? client.greet({ name: String(count) })
      : client.greet(Object.assign(create(GreetService.method.greet.input), withUnknown(count)));
  const most = readMaxBytes / bytes;
  await call(most);
  expect((await errorOf(call(most + 1))).rawMessage).toMatch(`than the limit of ${most}:`);
});

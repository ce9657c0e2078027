// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles. Whatever a client sends.
// Mutant: core/src/engine/call/server-call.ts # if (!this.method.requestStream && this.reader.received > 1) this.wrongCount();
// Mutant: core/src/engine/message/message-reader.ts # if (!this.wholeAtEnd()) return;
// Mutant: core/src/engine/message/envelope-reader.ts # if (this.flag > compressedFlag) { => if (this.flag > compressedFlag) { return undefined as never;
// Mutant: core/src/engine/message/envelope-reader.ts # if (this.decompresses) return null; => if (this.decompresses || length === 0) return null;
// Requests that are no good gRPC: each has an answer of its own, and leaves nothing behind.
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError, type TripleServiceImpl } from "@tristream/core";
import { GreetRequestSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { fired, until } from "./events.js";
import { quiet } from "./every-link.js";
import { greeter } from "./greeter.js";
import { envelope, RawClient } from "./raw-client.js";

const MiB = 1024 * 1024;
const message = toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "a" }));
const good = envelope(message);
const join = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);

interface Row {
  readonly what: string;
  readonly body: Uint8Array;
  readonly headers?: Record<string, string>;
  /** The status where one request message is wanted; 0 where a stream of them is fine with it, unless `both`. */
  readonly status: Code | 0;
  readonly both?: true;
  /** The request is refused by its headers alone: no handler runs. */
  readonly atOnce?: true;
  readonly text: RegExp;
}

const rows: readonly Row[] = [
  { what: "one message", body: good, status: 0, text: /^$/ },
  {
    what: "no message",
    body: new Uint8Array(),
    status: Code.Unimplemented,
    text: /^no request message for greet\.GreetService\/\w+: exactly one is allowed$/,
  },
  {
    what: "two messages",
    body: join(good, good),
    status: Code.Unimplemented,
    text: /^2 request messages for greet\.GreetService\/\w+: exactly one is allowed$/,
  },
  {
    what: "the compressed flag without grpc-encoding",
    body: envelope(message, 1),
    status: Code.Internal,
    both: true,
    text: /^compressed message without grpc-encoding: say which compression in the headers$/,
  },
  {
    what: "the compressed flag of an empty message, without grpc-encoding",
    body: envelope(new Uint8Array(), 1),
    status: Code.Internal,
    both: true,
    text: /^compressed message without grpc-encoding: say which compression in the headers$/,
  },
  {
    what: "the compressed flag of an empty message, with grpc-encoding identity",
    body: envelope(new Uint8Array(), 1),
    headers: { "grpc-encoding": "identity" },
    status: Code.Internal,
    both: true,
    text: /^compressed message without grpc-encoding: say which compression in the headers$/,
  },
  {
    what: "the compressed flag of an empty message, with grpc-encoding gzip",
    body: envelope(new Uint8Array(), 1),
    headers: { "grpc-encoding": "gzip" },
    status: 0,
    text: /^$/,
  },
  {
    what: "flag 2",
    body: envelope(message, 2),
    status: Code.Internal,
    both: true,
    text: /^message with flag 2: 0 \(plain\) and 1 \(compressed\) are allowed$/,
  },
  {
    what: "flag 128, the end of a gRPC-Web stream",
    body: envelope(message, 128),
    status: Code.Internal,
    both: true,
    text: /^message with flag 128: 0 \(plain\) and 1 \(compressed\) are allowed$/,
  },
  {
    what: "an end inside a message",
    body: good.subarray(0, good.length - 1),
    status: Code.InvalidArgument,
    both: true,
    text: /^the stream ended inside a message of 3 bytes, after 2$/,
  },
  {
    what: "an end inside a prefix",
    body: join(good, new Uint8Array(3)),
    status: Code.InvalidArgument,
    both: true,
    text: /^the stream ended inside a message prefix of 5 bytes, after 3$/,
  },
  {
    what: "bytes that are not a message",
    body: envelope(Uint8Array.of(0x0a, 0xff)),
    status: Code.InvalidArgument,
    both: true,
    text: /^message of 2 bytes can't be parsed: /,
  },
  {
    what: "a name that is not UTF-8",
    body: envelope(Uint8Array.of(0x0a, 2, 0xc3, 0x28)),
    status: Code.InvalidArgument,
    both: true,
    text: /^message of 4 bytes can't be parsed: /,
  },
  {
    what: "invalid JSON",
    body: envelope(Buffer.from('{"name":')),
    headers: { "content-type": "application/grpc+json" },
    status: Code.InvalidArgument,
    both: true,
    text: /^message of 8 bytes can't be parsed: /,
  },
  {
    what: "an announced 4 GiB",
    body: Uint8Array.of(0, 255, 255, 255, 255, 1),
    status: Code.ResourceExhausted,
    both: true,
    text: /^message of 4294967295 bytes is larger than the limit of 4194304: raise readMaxBytes where it is received$/,
  },
  {
    what: "a message one byte over the limit",
    body: envelope(new Uint8Array(4 * MiB + 1)),
    status: Code.ResourceExhausted,
    both: true,
    text: /^message of 4194305 bytes is larger than the limit of 4194304: raise readMaxBytes where it is received$/,
  },
  {
    what: "an unknown compression",
    body: good,
    headers: { "grpc-encoding": "br" },
    status: Code.Unimplemented,
    both: true,
    atOnce: true,
    text: /^grpc-encoding is "br": accepted are gzip, identity \(option acceptCompression\)$/,
  },
  {
    what: "a compressed message that is none",
    body: envelope(message, 1),
    headers: { "grpc-encoding": "gzip" },
    status: Code.InvalidArgument,
    both: true,
    text: /^compressed message can't be decompressed: incorrect header check$/,
  },
];

/** A greeter that says how often it ran, and what its reads of a stream gave. */
function watched() {
  const plain = greeter();
  const seen = { runs: 0, reads: [] as unknown[], signals: [] as Promise<unknown>[] };
  const spied = async function* <T>(requests: AsyncIterable<T>) {
    let outcome: unknown = "left at a yield";
    try {
      for await (const request of requests) yield request;
      outcome = "complete";
    } catch (error) {
      outcome = error;
      throw error;
    } finally {
      seen.reads.push(outcome);
    }
  };
  const impl: TripleServiceImpl<typeof GreetService> = {
    greet(request, context) {
      seen.runs++;
      return plain.greet(request, context);
    },
    greetServerStream(request, context) {
      seen.runs++;
      return plain.greetServerStream(request, context);
    },
    greetClientStream(requests, context) {
      seen.runs++;
      seen.signals.push(fired(context.signal));
      return plain.greetClientStream(spied(requests), context);
    },
    greetStream(requests, context) {
      seen.runs++;
      seen.signals.push(fired(context.signal));
      return plain.greetStream(spied(requests), context);
    },
  };
  return { seen, impl };
}

const serving = (impl: Partial<TripleServiceImpl<typeof GreetService>>) =>
  serve({ host: "127.0.0.1", port: 0, logger: quiet, routes: (r) => r.service(GreetService, impl) });

describe.each([
  { method: "Greet", stream: false },
  { method: "GreetServerStream", stream: false },
  { method: "GreetClientStream", stream: true },
  { method: "GreetStream", stream: true },
])("a body of $method", ({ method, stream }) => {
  test.each(rows)(
    "with $what has an answer of its own",
    async ({ body, status, both, atOnce, text, headers }) => {
      const { seen, impl } = watched();
      await using server = await serving(impl);
      const client = new RawClient(server.port);
      const expected = stream && both !== true ? 0 : status;
      const { header, trailer } = await client.call(`/greet.GreetService/${method}`, headers ?? {}, body);
      expect(header[":status"]).toBe(200);
      expect(trailer["grpc-status"] ?? header["grpc-status"]).toBe(String(expected));
      const failed = expected !== 0;
      const said = decodeURIComponent(String(trailer["grpc-message"] ?? header["grpc-message"] ?? ""));
      expect(said).toMatch(failed ? text : /^$/);
      // A handler that waits for its one message is not run; a reading one gets the error.
      const runs = stream && atOnce !== true ? 1 : 0;
      expect(seen.runs).toBe(failed ? runs : seen.runs);
      await until(() => !failed || seen.reads.length === seen.runs);
      for (const outcome of failed ? [...seen.reads, ...(await Promise.all(seen.signals))] : []) {
        const ended = outcome === "left at a yield" ? outcome : (outcome as ConnectError).code;
        expect(["left at a yield", expected]).toContain(ended);
      }
      await until(() => server.activeCalls === 0);
      const after = await client.call("/greet.GreetService/Greet", {}, good);
      expect(after.trailer["grpc-status"]).toBe("0");
      await client.close();
      expect(server.activeCalls).toBe(0);
    },
  );
});

test.each(["Greet", "GreetServerStream"])(
  "a second message for %s is refused when it comes, not at the end",
  async (method) => {
    const { seen, impl } = watched();
    await using server = await serving(impl);
    const client = new RawClient(server.port);
    const { header } = await client.call(`/greet.GreetService/${method}`, {}, join(good, good), true);
    expect(header["grpc-status"]).toBe(String(Code.Unimplemented));
    expect(seen.runs).toBe(0);
    await client.close();
  },
);

test("a message in single bytes is a message", async () => {
  await using server = await serving(greeter());
  const client = new RawClient(server.port);
  const { body } = await client.call("/greet.GreetService/GreetStream", {}, join(good, good));
  expect(body).toEqual(Buffer.from(join(good, good)));
  await client.close();
});

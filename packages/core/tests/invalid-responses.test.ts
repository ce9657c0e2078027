// SPDX-License-Identifier: Apache-2.0
// Answers that are no good gRPC: each is an error of its own for every form of call, and the connection goes on.
// Mutant: core/src/engine/call/client-call.ts # outcome === undefined ? this.noStatus() : outcome; => outcome ?? null;
// Mutant: core/src/dialects/grpc/response-head.ts # if (got === asked || (got !== undefined && !type!.includes("+"))) return null; => if (got !== undefined) return null;
import type { ServerHttp2Stream } from "node:http2";
import { Code, type ConnectError } from "@tristream/core";
import { deadlines } from "../src/engine/call/deadline.js";
import { all, codeOf, errorOf, until } from "./events.js";
import { envelope } from "./raw-client.js";
import { finish, goodAnswer, goodHead, goodMessage, type RawAnswer, startRawServer } from "./raw-server.js";

const ok = { "grpc-status": "0" };
const address = String.raw`127\.0\.0\.1:\d+`;
const check = "check the address, and any proxy before it";
const dropped = "check any proxy before it, which may drop trailers";

/** Headers, a body, and trailers; null for none. */
function answering(
  parts: readonly Uint8Array[],
  trailers: Record<string, string> | null,
  headers = {},
): RawAnswer {
  return (stream) => {
    stream.respond({ ...goodHead, ...headers }, { waitForTrailers: trailers !== null });
    stream.write(Buffer.concat(parts));
    if (trailers !== null) finish(stream, trailers);
    else stream.end();
  };
}

/** Headers and nothing else. */
function headersOnly(headers: Record<string, string | number>): RawAnswer {
  return (stream) => stream.respond({ ...goodHead, ...headers }, { endStream: true });
}

interface Row {
  readonly what: string;
  readonly answer: RawAnswer;
  readonly code: Code;
  readonly text: RegExp;
  /** A stream of messages is content with it. */
  readonly streamIsFine?: true;
}

const statuses: readonly Row[] = [
  ["-1", Code.Unknown],
  ["-0", Code.Unknown],
  ["+5", Code.Unknown],
  ["5.0", Code.Unknown],
  ["0x5", Code.Unknown],
  ["1e0", Code.Unknown],
  ["00", Code.Unknown],
  ["", Code.Unknown],
  ["OK", Code.Unknown],
  ["not found", Code.Unknown],
  ["18", Code.Unknown],
  ["99", Code.Unknown],
  ["256", Code.Unknown],
  ["4294967296", Code.Unknown],
  ["9".repeat(400), Code.Unknown],
].flatMap(([status, code]) => {
  const text = new RegExp(
    `^grpc-status is ${JSON.stringify(status).slice(0, 60).replace(/[+.]/g, "\\$&")}.*, which is not a code of gRPC's \\(0 to 16\\)$`,
  );
  return [
    {
      what: `grpc-status ${JSON.stringify(String(status).slice(0, 20))} in trailers`,
      answer: answering([goodMessage], { "grpc-status": String(status) }),
      code: code as Code,
      text,
    },
    {
      what: `grpc-status ${JSON.stringify(String(status).slice(0, 20))} with a text, in headers alone`,
      answer: headersOnly({ "grpc-status": String(status), "grpc-message": "as the peer says" }),
      code: code as Code,
      text: /^as the peer says$/,
    },
  ];
});

const texts: readonly Row[] = (
  [
    ["a raw %", "50% done", /^50% done$/],
    ["escapes that are none", "%zz%4%", /^%zz%4%$/],
    ["bytes that are not UTF-8, escaped", "%C3%28%FF", /^Ã\(ÿ$/],
    ["bytes that are not UTF-8, raw", "\xc3(\xff", /^Ã\(ÿ$/],
    ["half of a surrogate pair in UTF-8", "%ED%A0%80", /./],
    ["a NUL and a line break, escaped", "a%00b%0Ac", /^a\0b\nc$/],
    ["no text", "", /^$/],
  ] as const
).flatMap(([what, sent, text]) => [
  {
    what: `${what} in grpc-message of trailers`,
    answer: answering([goodMessage], { "grpc-status": "9", "grpc-message": sent }),
    code: Code.FailedPrecondition,
    text,
  },
  {
    what: `${what} in grpc-message of headers alone`,
    answer: headersOnly({ "grpc-status": "9", "grpc-message": sent }),
    code: Code.FailedPrecondition,
    text,
  },
]);

const shapes: readonly Row[] = [
  {
    what: "headers alone without a status",
    answer: headersOnly({}),
    code: Code.Internal,
    text: new RegExp(`^${address} ended the response without grpc-status, after no answer: ${dropped}$`),
  },
  {
    what: "a body and no trailers",
    answer: answering([goodMessage], null),
    code: Code.Internal,
    text: new RegExp(`^${address} ended the response without grpc-status, after 1 message: ${dropped}$`),
  },
  {
    what: "trailers without a status",
    answer: answering([goodMessage], { "x-other": "1" }),
    code: Code.Internal,
    text: new RegExp(`^${address} ended the response without grpc-status, after 1 message: ${dropped}$`),
  },
  {
    what: "no body and trailers without a status",
    answer: answering([], { "x-other": "1" }),
    code: Code.Internal,
    text: new RegExp(
      `^${address} ended the response without grpc-status, after response headers and no message: ${dropped}$`,
    ),
  },
  {
    what: "no content type",
    answer: (stream) => {
      stream.respond({ ":status": 200 });
      stream.end(goodMessage);
    },
    code: Code.Unknown,
    text: new RegExp(`^${address} answered with no content-type: application/grpc is needed, ${check}$`),
  },
  ...["text/html", "application/grpc-web+proto", "application/grpcx", "application/json"].map((type) => ({
    what: `content type ${type}`,
    answer: answering([goodMessage], ok, { "content-type": type }),
    code: Code.Unknown,
    text: new RegExp(
      `^${address} answered with content-type "${type.replace("+", "\\+")}": application/grpc is needed, ${check}$`,
    ),
  })),
  {
    what: "JSON, which was not asked for",
    answer: answering([envelope(Buffer.from("{}"))], ok, { "content-type": "application/grpc+json" }),
    code: Code.Internal,
    text: new RegExp(
      `^${address} answered with content-type "application/grpc\\+json": application/grpc\\+proto was asked for$`,
    ),
  },
  {
    what: "HTTP 404 and a page",
    answer: (stream) => {
      stream.respond({ ":status": 404, "content-type": "text/html" });
      stream.end("<p>no</p>");
    },
    code: Code.Unimplemented,
    text: new RegExp(`^${address} answered HTTP 404 without grpc-status: ${check}$`),
  },
  {
    what: "HTTP 302 and nothing else",
    answer: (stream) => stream.respond({ ":status": 302, location: "/elsewhere" }, { endStream: true }),
    code: Code.Unknown,
    text: new RegExp(`^${address} answered HTTP 302 without grpc-status: ${check}$`),
  },
  {
    what: "an unknown compression",
    answer: answering([goodMessage], ok, { "grpc-encoding": "br" }),
    code: Code.Internal,
    text: new RegExp(
      `^${address} answered with grpc-encoding "br": accepted are gzip, identity \\(option acceptCompression\\)$`,
    ),
  },
  {
    what: "the compressed flag without an encoding",
    answer: answering([envelope(Uint8Array.of(1), 1)], ok),
    code: Code.Internal,
    text: /^compressed message without grpc-encoding: say which compression in the headers$/,
  },
  {
    what: "the compressed flag of an empty message, without an encoding",
    answer: answering([envelope(new Uint8Array(), 1)], ok),
    code: Code.Internal,
    text: /^compressed message without grpc-encoding: say which compression in the headers$/,
  },
  {
    what: "a compressed message that is none",
    answer: answering([envelope(Uint8Array.of(1, 2, 3), 1)], ok, { "grpc-encoding": "gzip" }),
    code: Code.Internal,
    text: /^compressed message can't be decompressed: incorrect header check$/,
  },
  {
    what: "flag 2",
    answer: answering([envelope(Uint8Array.of(), 2)], ok),
    code: Code.Internal,
    text: /^message with flag 2: 0 \(plain\) and 1 \(compressed\) are allowed$/,
  },
  {
    what: "half a message",
    answer: answering([goodMessage.subarray(0, 6)], ok),
    code: Code.Internal,
    text: /^the stream ended inside a message of 3 bytes, after 1$/,
  },
  {
    what: "half a prefix",
    answer: answering([goodMessage.subarray(0, 3)], ok),
    code: Code.Internal,
    text: /^the stream ended inside a message prefix of 5 bytes, after 3$/,
  },
  {
    what: "bytes that are not a message",
    answer: answering([envelope(Uint8Array.of(0x0a, 0xff))], ok),
    code: Code.Internal,
    text: /^message of 2 bytes can't be parsed: /,
  },
  {
    what: "an announced 4 GiB",
    answer: answering([Uint8Array.of(0, 255, 255, 255, 255, 1)], ok),
    code: Code.ResourceExhausted,
    text: /^message of 4294967295 bytes is larger than the limit of 4194304: raise readMaxBytes where it is received$/,
  },
  {
    what: "a message one byte over the limit",
    answer: answering([Uint8Array.of(0, 0, 0x40, 0, 1, 0, 0, 0)], ok),
    code: Code.ResourceExhausted,
    text: /^message of 4194305 bytes is larger than the limit of 4194304: raise readMaxBytes where it is received$/,
  },
  {
    what: "no message",
    answer: answering([], ok),
    code: Code.Unimplemented,
    text: /^no response message for greet\.GreetService\/Greet: exactly one is allowed$/,
    streamIsFine: true,
  },
  {
    what: "headers alone, with status 0",
    answer: headersOnly(ok),
    code: Code.Unimplemented,
    text: /^no response message for greet\.GreetService\/Greet: exactly one is allowed$/,
    streamIsFine: true,
  },
  {
    what: "two messages",
    answer: answering([goodMessage, goodMessage], ok),
    code: Code.Unimplemented,
    text: /^2 response messages for greet\.GreetService\/Greet: exactly one is allowed$/,
    streamIsFine: true,
  },
];

describe("an answer with", () => {
  test.each([...statuses, ...texts, ...shapes])(
    "$what is an error of every form of call, and the connection goes on",
    async ({ answer, code, text, streamIsFine }) => {
      const streams: ServerHttp2Stream[] = [];
      let well = false;
      await using end = await startRawServer((stream, headers) => {
        streams.push(stream);
        (well ? goodAnswer : answer)(stream, headers);
      });
      const { client } = end;
      const options = { timeoutMs: 60_000 };
      const unary = await errorOf(client.greet({}, options));
      expect(unary.rawMessage).toMatch(text);
      expect(unary.code).toBe(code);
      const upload = client.greetClientStream(options);
      await upload.send({}).catch((error: ConnectError) => expect(error.code).toBe(code));
      const single = [client.greetClientStream([{}], options), upload.closeAndReceive()];
      for (const call of single) expect((await errorOf(call)).code).toBe(code);
      const chat = client.greetStream(options);
      await chat.closeRequest();
      const several = [
        all(client.greetServerStream({}, options)),
        all(client.greetStream([{}], options)),
        all(chat),
      ];
      for (const call of several) expect(await codeOf(call)).toBe(streamIsFine === true ? undefined : code);
      await until(() => streams.every((stream) => stream.closed));
      well = true;
      expect((await client.greet({})).greeting).toBe("a");
      expect(end.sessions).toHaveLength(1);
      expect(deadlines.size).toBe(0);
    },
  );
});

// SPDX-License-Identifier: Apache-2.0
// Promise 6: every call settles.
// Mutant: core/src/engine/call/client-call.ts # this.endCall(this.noStatus(), false);
// Mutant: core/src/engine/call/client-call.ts # this.endCall(this.resetError(reset), false);
// Mutant: core/src/engine/call/client-call.ts # outcome === undefined ? this.noStatus() : outcome; => outcome ?? null;
// Mutant: core/src/engine/call/client-call.ts # this.readFailed(this.wrongCount());
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, createClient, type TripleTransport } from "@tristream/core";
import { GreetResponseSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { deadlines } from "../src/engine/call/deadline.js";
import { all, codeOf, errorOf, happening } from "./events.js";
import { envelope } from "./raw-client.js";

type Answer = (stream: ServerHttp2Stream, socket: Socket) => void;

/** A server of Node's own that answers every request as the test says. */
async function start(answer: Answer) {
  let socket: Socket | undefined;
  const server: Http2Server = createServer();
  server.on("connection", (given: Socket) => {
    socket = given;
  });
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    answer(stream, socket!);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const transport: TripleTransport = createTransport(
    `tri://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );
  return {
    client: createClient(GreetService, transport),
    async [Symbol.asyncDispose]() {
      await transport.close();
      socket?.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const good = envelope(toBinary(GreetResponseSchema, create(GreetResponseSchema, { greeting: "a" })));
const head = { ":status": 200, "content-type": "application/grpc+proto" };

/** Answers with a body and trailers. */
function answer(parts: Uint8Array[], trailers: Record<string, string> | null, headers = {}): Answer {
  return (stream) => {
    stream.respond({ ...head, ...headers }, { waitForTrailers: trailers !== null });
    if (trailers !== null) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(Buffer.concat(parts));
  };
}

interface Row {
  readonly what: string;
  readonly answer: Answer;
  readonly code: number;
  readonly text: RegExp;
  /** A stream of messages is content with it. */
  readonly streamIsFine?: true;
}

const reset =
  (code: number): Answer =>
  (stream) =>
    stream.close(code);

const rows: readonly Row[] = [
  {
    what: "no message",
    answer: answer([], { "grpc-status": "0" }),
    code: Code.Unimplemented,
    text: /^no response message for greet\.GreetService\/Greet/,
    streamIsFine: true,
  },
  {
    what: "two messages",
    answer: answer([good, good], { "grpc-status": "0" }),
    code: Code.Unimplemented,
    text: /^2 response messages for /,
    streamIsFine: true,
  },
  {
    what: "no status",
    answer: answer([good], null),
    code: Code.Internal,
    text: /ended the response without grpc-status, after 1 message/,
  },
  {
    what: "trailers without a status",
    answer: answer([good], { "x-other": "1" }),
    code: Code.Internal,
    text: /ended the response without grpc-status, after 1 message/,
  },
  {
    what: "a status that is not a number",
    answer: answer([good], { "grpc-status": "fine" }),
    code: Code.Unknown,
    text: /^grpc-status is "fine"/,
  },
  {
    what: "a status that nobody defines",
    answer: answer([], { "grpc-status": "99", "grpc-message": "odd" }),
    code: Code.Unknown,
    text: /^odd$/,
  },
  {
    what: "raw UTF-8 in the message, as dubbo-java sends it",
    answer: answer([], { "grpc-status": "5", "grpc-message": Buffer.from("größer").toString("latin1") }),
    code: Code.NotFound,
    text: /^größer$/,
  },
  {
    what: "an error status after a message",
    answer: answer([good], { "grpc-status": "8", "grpc-message": "no%20more" }),
    code: Code.ResourceExhausted,
    text: /^no more$/,
  },
  {
    what: "headers alone, without a status",
    answer: (stream) => stream.respond(head, { endStream: true }),
    code: Code.Internal,
    text: /ended the response without grpc-status/,
  },
  {
    what: "headers alone",
    answer: (stream) =>
      stream.respond({ ...head, "grpc-status": "7", "grpc-message": "no" }, { endStream: true }),
    code: Code.PermissionDenied,
    text: /^no$/,
  },
  {
    what: "HTTP 500 with a grpc-status, as dubbo-java answers errors",
    answer: (stream) =>
      stream.respond(
        { ...head, ":status": 500, "grpc-status": "3", "grpc-message": "bad" },
        { endStream: true },
      ),
    code: Code.InvalidArgument,
    text: /^bad$/,
  },
  ...(
    [
      [400, Code.Internal],
      [401, Code.Unauthenticated],
      [403, Code.PermissionDenied],
      [404, Code.Unimplemented],
      [429, Code.Unavailable],
      [502, Code.Unavailable],
      [503, Code.Unavailable],
      [504, Code.Unavailable],
      [500, Code.Unknown],
      [204, Code.Unknown],
    ] as const
  ).map(([status, code]) => ({
    what: `HTTP ${status}`,
    answer: ((stream) => {
      stream.respond({ ":status": status, "content-type": "text/html" });
      stream.end(status === 204 ? undefined : "<p>no</p>");
    }) as Answer,
    code,
    text: new RegExp(`answered HTTP ${status} without grpc-status: `),
  })),
  {
    what: "a page of HTML",
    answer: (stream) => {
      stream.respond({ ":status": 200, "content-type": "text/html" });
      stream.end("<p>hello</p>");
    },
    code: Code.Unknown,
    text: /answered with content-type "text\/html": application\/grpc is needed, /,
  },
  {
    what: "an unknown compression",
    answer: answer([good], { "grpc-status": "0" }, { "grpc-encoding": "br" }),
    code: Code.Internal,
    text: /grpc-encoding "br": accepted are gzip, identity /,
  },
  {
    what: "the compressed flag without an encoding",
    answer: answer([envelope(Uint8Array.of(1), 1)], { "grpc-status": "0" }),
    code: Code.Internal,
    text: /^compressed message without grpc-encoding/,
  },
  {
    what: "flag 2",
    answer: answer([envelope(Uint8Array.of(), 2)], { "grpc-status": "0" }),
    code: Code.Internal,
    text: /^message with flag 2/,
  },
  {
    what: "half a message",
    answer: answer([good.subarray(0, 6)], { "grpc-status": "0" }),
    code: Code.Internal,
    text: /^the stream ended inside a message of 3 bytes, after 1$/,
  },
  { what: "RST NO_ERROR before headers", answer: reset(0), code: Code.Internal, text: /after no answer/ },
  { what: "RST CANCEL", answer: reset(8), code: Code.Canceled, text: /ended the call after no answer/ },
  { what: "RST REFUSED_STREAM", answer: reset(7), code: Code.Unavailable, text: /REFUSED_STREAM/ },
  {
    what: "RST ENHANCE_YOUR_CALM",
    answer: reset(11),
    code: Code.ResourceExhausted,
    text: /ENHANCE_YOUR_CALM/,
  },
  { what: "RST INADEQUATE_SECURITY", answer: reset(12), code: Code.PermissionDenied, text: /INADEQUATE/ },
  { what: "RST INTERNAL_ERROR", answer: reset(2), code: Code.Internal, text: /INTERNAL_ERROR/ },
  {
    what: "RST with a code that nobody knows",
    answer: reset(0x1234),
    code: Code.Internal,
    text: /1234|4660/,
  },
  {
    what: "a connection that dies",
    answer: (_stream, socket) => socket.destroy(),
    code: Code.Unavailable,
    text: /^connection to 127\.0\.0\.1:\d+ lost after no answer/,
  },
];

describe("every call settles, whatever a server answers", () => {
  test.each(rows)("$what", async ({ answer: how, code, text, streamIsFine }) => {
    await using end = await start(how);
    const { client } = end;
    const error = await errorOf(client.greet({}, { timeoutMs: 60_000 }));
    expect(error.rawMessage).toMatch(text);
    expect(error.code).toBe(code);
    const upload = await errorOf(client.greetClientStream([], { timeoutMs: 60_000 }));
    expect(upload.code).toBe(code);
    const stream = all(client.greetServerStream({}, { timeoutMs: 60_000 }));
    const expected = streamIsFine === true ? undefined : code;
    expect(await codeOf(stream)).toBe(expected);
    const chat = client.greetStream({ timeoutMs: 60_000 });
    expect(await codeOf(streamIsFine === true ? all(chat) : chat.responseTrailer)).toBe(expected);
    expect(deadlines.size).toBe(0);
  });

  test("a server that answers an upload twice and stays open: the call ends, and the stream with it", async () => {
    const closed = happening<number>();
    await using end = await start((stream) => {
      stream.respond(head);
      stream.write(Buffer.concat([good, good]));
      stream.on("close", () => closed.tell(stream.rstCode));
    });
    const error = await errorOf(end.client.greetClientStream([]));
    expect(error.code).toBe(Code.Unimplemented);
    expect(error.rawMessage).toContain(
      "more than one response message for greet.GreetService/GreetClientStream",
    );
    expect(await closed).toBe(8);
  });

  test("a server that answers a unary call twice and stays open: the call ends, and the stream with it", async () => {
    const closed = happening<number>();
    await using end = await start((stream) => {
      stream.respond(head);
      stream.write(Buffer.concat([good, good]));
      stream.on("close", () => closed.tell(stream.rstCode));
    });
    expect((await errorOf(end.client.greet({}))).rawMessage).toContain(
      "2 response messages for greet.GreetService/Greet",
    );
    expect(await closed).toBe(8);
  });
});

// SPDX-License-Identifier: Apache-2.0
// Promise 11: nothing is lost or reordered. A message whose send() has rejected never leaves afterwards, and
// if a send() has waited for room until the call ended, it says whether its message has left.
// Mutant: core/src/engine/call/client-call.ts # if (this.stream.queuedBytes > 0) this.stream.reset("complete");
// Mutant: core/src/engine/call/client-call.ts # if (status === null) this.stopRequest();
// Mutant: core/src/engine/message/message-writer.ts # if (!this.stopped) then(); => then();
// Mutant: http2/src/streams/send-side.ts # this.neverSent = this.queuedBytes;
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, ConnectError, type TransportOptions } from "@tristream/core";
import { data, headers, rst, windowUpdate } from "../../http2/tests/frames.js";
import { errorOf, happening, until } from "./events.js";
import { FrameServer, okHead, okTrailers } from "./frame-server.js";
import { envelope } from "./raw-client.js";
import { goodMessage } from "./raw-server.js";

const nameLength = 40_000;
/** The bytes of a message in its stream: its text, the text's tag and length, and the prefix. */
const size = nameLength + 4 + 5;
const firstWindow = 65_535;
const plenty = [windowUpdate(0, 1_000_000), windowUpdate(1, 1_000_000)];

/** An upload of six messages, of which only the first one fits the windows. */
async function start(options: TransportOptions = {}) {
  const server = await FrameServer.start(options);
  const upload = server.client.greetClientStream();
  const outcomes: string[] = [];
  const sends = Array.from({ length: 6 }, async (_, i) => {
    try {
      await upload.send({ name: "x".repeat(nameLength) });
      outcomes[i] = "sent";
    } catch (error) {
      outcomes[i] = error instanceof ConnectError ? Code[error.code]! : String(error);
    }
  });
  const left = async (bytes: number): Promise<void> => {
    await until(() => server.bytes(1).length >= bytes);
  };
  await left(firstWindow);
  return {
    server,
    upload,
    outcomes,
    left,
    /** All sends have settled. */
    settled: Promise.all(sends),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const sent = (n: number, code: Code): string[] => [
  ...Array(n).fill("sent"),
  ...Array(6 - n).fill(Code[code]),
];

describe("a message that has not left", () => {
  test("when the server ends the call well does not leave when there is room", async () => {
    await using end = await start();
    const { server } = end;
    server.write([headers(1, okHead), data(1, goodMessage), headers(1, okTrailers, { end: true })]);
    expect((await end.upload.closeAndReceive()).greeting).toBe("a");
    await end.settled;
    expect(end.outcomes).toEqual(sent(1, Code.FailedPrecondition));
    server.write(plenty);
    await server.taken();
    expect(server.bytes(1).length).toBe(firstWindow);
    expect(server.of(1).at(-1)).toBe("RST_STREAM 1 NO_ERROR");
  });

  test("when the server ends the call badly does not leave when there is room", async () => {
    await using end = await start();
    const { server } = end;
    server.write([headers(1, [":status", "200", "grpc-status", "10"], { end: true })]);
    expect((await errorOf(end.upload.closeAndReceive())).code).toBe(Code.Aborted);
    await end.settled;
    expect(end.outcomes).toEqual(sent(1, Code.Aborted));
    server.write(plenty);
    await server.taken();
    expect(server.bytes(1).length).toBe(firstWindow);
  });

  test.each([
    ["and the window grows", plenty],
    ["and the server resets its side", [rst(1, 0)]],
  ])("does not leave, nor pass for sent, while the response is decompressed %s", async (_when, behind) => {
    const begun = happening();
    const go = happening();
    const gzip: typeof compressionGzip = {
      ...compressionGzip,
      async decompress(bytes, maxBytes) {
        begun.tell();
        await go;
        return compressionGzip.decompress(bytes, maxBytes);
      },
    };
    await using end = await start({ acceptCompression: [gzip] });
    const { server } = end;
    const gzipped = envelope(await gzip.compress(goodMessage.slice(5)), 1);
    server.write([
      headers(1, [...okHead, "grpc-encoding", "gzip"]),
      data(1, gzipped),
      headers(1, okTrailers, { end: true }),
      ...behind,
    ]);
    await begun;
    await end.settled;
    expect(end.outcomes).toEqual(sent(1, Code.FailedPrecondition));
    go.tell();
    expect((await end.upload.closeAndReceive()).greeting).toBe("a");
    server.write(plenty);
    await server.taken();
    expect(server.bytes(1).length).toBe(firstWindow);
  });

  test("when its call is cancelled does not leave when there is room, and messages that have left were sent", async () => {
    await using end = await start();
    const { server } = end;
    const more = 3 * size;
    server.write([windowUpdate(0, more), windowUpdate(1, more)]);
    await end.left(firstWindow + more);
    end.upload.cancel();
    await end.settled;
    server.write(plenty);
    await server.taken();
    expect(server.bytes(1).length).toBe(firstWindow + more);
    expect(server.of(1).at(-1)).toBe("RST_STREAM 1 CANCEL");
    // 185,562 bytes have left: four messages, and a part of the fifth.
    expect(end.outcomes).toEqual(sent(4, Code.Canceled));
  });

  test("when its call is cancelled in the same turn does not leave; a message that does was sent", async () => {
    await using server = await FrameServer.start();
    const first = server.client.greet({});
    await server.line("HEADERS 1");
    server.write([headers(1, okHead), data(1, goodMessage), headers(1, okTrailers, { end: true })]);
    server.write([windowUpdate(0, 1_000_000)]);
    await first;
    await server.taken();
    const upload = server.client.greetClientStream();
    const outcomes = [1, 2, 3, 4].map((_) =>
      upload.send({ name: "x".repeat(nameLength) }).then(
        () => "sent",
        (error: ConnectError) => Code[error.code],
      ),
    );
    upload.cancel();
    const seen = await Promise.all(outcomes);
    await server.line("RST_STREAM 3");
    expect(Math.floor(server.bytes(3).length / size)).toBe(1);
    expect(seen).toEqual(["sent", "Canceled", "Canceled", "Canceled"]);
  });

  test("being compressed when the server ends the call, does not leave, nor an end behind it", async () => {
    const begun = happening();
    const go = happening();
    const gzip: typeof compressionGzip = {
      ...compressionGzip,
      async compress(bytes) {
        begun.tell();
        await go;
        return bytes as Uint8Array<ArrayBuffer>;
      },
    };
    await using server = await FrameServer.start({ sendCompression: gzip, compressMinBytes: 0 });
    const upload = server.client.greetClientStream();
    const send = errorOf(upload.send({ name: "a" }));
    const answer = upload.closeAndReceive();
    await begun;
    await server.line("HEADERS 1");
    server.write([headers(1, okHead), data(1, goodMessage), headers(1, okTrailers, { end: true })]);
    const compressed = answer.then(() => go.tell());
    expect((await send).code).toBe(Code.FailedPrecondition);
    await compressed;
    await server.taken();
    expect(server.of(1)).toEqual(["HEADERS 1", "RST_STREAM 1 NO_ERROR"]);
  });
});

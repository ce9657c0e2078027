// SPDX-License-Identifier: Apache-2.0
// Promise 11: nothing is lost or reordered. A send that waits for room when the answer comes says whether its message was sent.
// Mutant: core/src/engine/message/message-writer.ts # resolve(end <= left) => resolve(left === Number.POSITIVE_INFINITY)
// Mutant: core/src/engine/message/message-writer.ts # this.written - this.stream.queuedBytes => this.written
// Mutant: core/src/engine/message/message-writer.ts # this.written - this.stream.queuedBytes => 0
// Mutant: core/src/client/call/request-queue.ts # await settled;
import { createServer, type Socket } from "node:net";
import { Code, createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createTransport } from "@tristream/node";
import { clientPreface } from "../../http2/src/frame/frame-type.js";
import { data, headers, join, parseFrames, rst, settings, windowUpdate } from "../../http2/tests/frames.js";
import { happening } from "./events.js";
import { goodMessage } from "./raw-server.js";

const nameLength = 40_000;

/** A server by hand that gives no room beyond the first windows, and a call whose sends wait for some. */
async function waitingSends() {
  const full = happening();
  let socket!: Socket;
  const server = createServer((accepted) => {
    socket = accepted;
    socket.on("error", () => {});
    socket.write(settings());
    let got = 0;
    let rest: Uint8Array = new Uint8Array(0);
    socket.on("data", (bytes) => {
      rest = join(rest, bytes);
      if (rest[0] === clientPreface[0]) rest = rest.slice(clientPreface.length);
      for (const { type, payload } of parseFrames(rest, true)) {
        rest = rest.slice(9 + payload.length);
        if (type === 0) got += payload.length;
      }
      if (got === 65_535) full.tell();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const transport = createTransport(`tri://127.0.0.1:${port}`);
  const upload = createClient(GreetService, transport).greetClientStream();
  const outcomes: string[] = [];
  const sends = [0, 1, 2, 3, 4, 5].map(async (i) => {
    try {
      await upload.send({ name: "x".repeat(nameLength) });
      outcomes[i] = "sent";
    } catch (error) {
      outcomes[i] = String((error as Error).message);
    }
  });
  await full;
  return {
    upload,
    outcomes,
    /** All sends have settled. */
    settled: Promise.all(sends),
    write: (...frames: Uint8Array[]) => void socket.write(join(...frames)),
    async [Symbol.asyncDispose]() {
      await transport.close();
      socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The bytes of a message in its stream: its text, the text's tag and length, and the prefix. */
const size = nameLength + 4 + 5;
const all = 6 * size;
const ok = [
  headers(1, [":status", "200", "content-type", "application/grpc+proto"]),
  data(1, goodMessage),
  headers(1, ["grpc-status", "0"], { end: true }),
];
/** Room for the first `bytes` of the call. */
const room = (bytes: number) =>
  join(windowUpdate(0, bytes - 65_535 || 1), windowUpdate(1, bytes - 65_535 || 1));
const unsent = (n: number) =>
  `[failed_precondition] the server has ended the call: ${n} message${n === 1 ? " was" : "s were"} not sent`;

describe("a send that waits for room", () => {
  test("resolves if the answer comes in one piece with room for all of its message", async () => {
    await using end = await waitingSends();
    expect(end.outcomes.slice(3)).toEqual([]);
    end.write(room(all), ...ok);
    expect((await end.upload.closeAndReceive()).greeting).toBe("a");
    await end.settled;
    expect(end.outcomes).toEqual(Array(6).fill("sent"));
  });

  test.each([
    [all - 1, 1],
    [5 * size, 1],
    [5 * size - 1, 2],
    [4 * size, 2],
    [4 * size - 1, 3],
  ])("is told, when there is room for %d bytes, that %d messages were not sent", async (bytes, n) => {
    await using end = await waitingSends();
    end.write(room(bytes), ...ok);
    expect((await end.upload.closeAndReceive()).greeting).toBe("a");
    await end.settled;
    expect(end.outcomes).toEqual([...Array(6 - n).fill("sent"), ...Array(n).fill(unsent(n))]);
  });

  test("resolves if a status that is an error comes with room for all of its message, and rejects with that if not", async () => {
    await using end = await waitingSends();
    end.write(room(5 * size), headers(1, [":status", "200", "grpc-status", "10"], { end: true }));
    await end.settled;
    expect(end.outcomes.slice(0, 5)).toEqual(Array(5).fill("sent"));
    expect(end.outcomes[5]).toMatch(/^\[aborted\]/);
    await expect(end.upload.closeAndReceive()).rejects.toMatchObject({ code: Code.Aborted });
  });

  test("rejects if a reset comes, which may have dropped its message", async () => {
    await using end = await waitingSends();
    end.write(rst(1, 8));
    await end.settled;
    for (const outcome of end.outcomes.slice(3)) expect(outcome).toMatch(/^\[canceled\]/);
  });
});

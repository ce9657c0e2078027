// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. The request messages that handlers have taken share one budget in a process.
// Mutant: core/src/engine/message/message-reader.ts # this.owner.hold(0);
// Mutant: core/src/engine/message/message-reader.ts # if (end - start <= uncountedBytes) { => if (end - start <= 1e9) {
// Mutant: core/src/engine/call/server-call.ts # if (!this.running) this.hold(0);
// Mutant: core/src/engine/call/server-call.ts # if (!this.running) this.hold(0); => this.hold(0);
// Mutant: core/src/engine/call/server-call.ts # const total = heldBytes.total - this.held + bytes; => const total = heldBytes.total + bytes;
// Mutant: core/src/engine/call/server-call.ts # if (bytes > 0 && total > maxHeldBytes) return tooMuchHeld(maxHeldBytes);
// Mutant: core/src/engine/message/held-bytes.ts # return bytes + elements * elementBytes; => return bytes;
import { create } from "@bufbuild/protobuf";
import { compressionGzip } from "@connectrpc/connect-node";
import { Code, ConnectError, createClient, type TransportOptions } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { heldBytes } from "../src/engine/message/held-bytes.js";
import { all, errorOf, type Happening, happening, until } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

const name = "x".repeat(10_000);
const maxHeldBytes = 35_000;
const code = Code.ResourceExhausted;
const text =
  "the requests that this process handles would take more than the limit of 35000 bytes: call later, or raise maxHeldBytes of the server";

/** A server whose handlers wait until they may go on; `taken` counts the messages that they have. */
async function start(link: (typeof everyLink)[number], transport: TransportOptions = {}) {
  const go = happening();
  const seen = { taken: 0 };
  const end = await link.start({
    maxHeldBytes,
    transport,
    acceptCompression: [compressionGzip],
    routes: (r) =>
      r.service(GreetService, {
        ...greeter(),
        async greet() {
          seen.taken++;
          await go;
          return {};
        },
        async *greetStream(requests) {
          for await (const request of requests) {
            seen.taken++;
            if (request.name.startsWith("wait")) await go;
            yield { greeting: "" };
          }
        },
      }),
  });
  return { end, go, seen, client: createClient(GreetService, end.transport) };
}

const released = (): Promise<void> => until(() => heldBytes.total === 0);

describe.each(everyLink)("over $name", (link) => {
  afterEach(released);

  test.each([
    { how: "plain", transport: {} },
    { how: "compressed", transport: { sendCompression: compressionGzip } },
    { how: "JSON", transport: { useJson: true } },
  ])("requests beyond the budget are refused until others are over ($how)", async ({ transport }) => {
    const { end, go, seen, client } = await start(link, transport);
    await using _end = end;
    const answers = [1, 2, 3].map(() => client.greet({ name }));
    await until(() => seen.taken === 3);
    expect(await errorOf(client.greet({ name }))).toMatchObject({ code, rawMessage: text });
    expect(await errorOf(all(client.greetStream([{ name }])))).toMatchObject({ code, rawMessage: text });
    go.tell();
    await Promise.all(answers);
    await released();
    await client.greet({ name });
  });

  test("elements count beside their bytes", async () => {
    const { end, client } = await start(link);
    await using _end = end;
    const one = { no: 20, wireType: 0, data: Uint8Array.of(1) };
    const request = create(GreetService.method.greet.input);
    request.$unknown = Array.from({ length: 400 }, () => one);
    expect(await errorOf(client.greet(request))).toMatchObject({ code, rawMessage: text });
  });

  test("a stream counts the message that its handler took last, until it asks for the next", async () => {
    const { end, go, seen, client } = await start(link);
    await using _end = end;
    const chats = Array.from({ length: 10 }, () => client.greetStream());
    for (const chat of chats) {
      for (let times = 0; times < 2; times++) {
        await chat.send({ name });
        await chat.receive();
      }
    }
    await until(() => heldBytes.total === 0);
    await chats[0]!.send({ name });
    await chats[0]!.send({ name });
    await chats[0]!.send({ name: "wait" });
    await until(() => seen.taken === 23);
    // A small message is not counted, and the one before it is not the handler's any more.
    expect(heldBytes.total).toBe(0);
    await chats[1]!.send({ name: `wait${name}` });
    await until(() => seen.taken === 24);
    expect(heldBytes.total).toBeGreaterThan(name.length);
    expect(heldBytes.total).toBeLessThan(name.length + 200);
    go.tell();
    for (const chat of chats) await chat.closeRequest();
  });

  test("a call gives its bytes back however it ends, and not before its handler has", async () => {
    const ends: Record<string, (go: Happening<void>, controller: AbortController) => void> = {
      cancel: (_go, controller) => controller.abort(),
      deadline: () => {},
      finish: (go) => go.tell(),
    };
    for (const [how, finish] of Object.entries(ends)) {
      const { end, go, seen, client } = await start(link);
      const controller = new AbortController();
      const timeoutMs = how === "deadline" ? 100 : 0;
      const answer = client.greet({ name }, { signal: controller.signal, timeoutMs }).catch(() => {});
      await until(() => seen.taken === 1);
      finish(go, controller);
      await answer;
      await until(() => end.server.activeCalls === 0);
      // A handler that runs on holds its message still.
      expect(heldBytes.total > 9000).toBe(how !== "finish");
      go.tell();
      await released();
      await end[Symbol.asyncDispose]();
    }
  });

  test("a handler that throws, and a message that can't be read, hold nothing", async () => {
    await using end = await link.start({
      maxHeldBytes,
      routes: (r) =>
        r.service(GreetService, {
          ...greeter(),
          greet: () => {
            throw new ConnectError("mine", Code.Aborted);
          },
        }),
    });
    const client = createClient(GreetService, end.transport);
    for (let i = 0; i < 5; i++) expect((await errorOf(client.greet({ name }))).code).toBe(Code.Aborted);
    const chat = client.greetStream();
    await chat.send({ name });
    chat.cancel();
    await until(() => end.server.activeCalls === 0);
  });
});

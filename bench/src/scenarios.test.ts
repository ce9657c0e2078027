// SPDX-License-Identifier: Apache-2.0
import { handlers, source } from "./handlers.js";
import type { Draft, Received } from "./messages.js";
import type { PeerClient } from "./peer.js";
import { iterableClient } from "./peers/iterable-client.js";
import { scenarios } from "./scenarios.js";
import { Served } from "./served.js";

/** The message at an index on its way: passed on, changed, or undefined when it is lost. */
type Fault = (message: Received, index: number) => Received | undefined;

const COUNT = 200;

/** A client that calls the handlers without any wire, with a fault in what the server sends. */
function client(served: Served, fault: Fault = (message) => message): PeerClient {
  const { unary, serverStream, clientStream, bidi } = handlers(served);
  let index = 0;
  const apply = (message: Draft) => fault(message, index++);
  async function* applyAll(messages: AsyncIterable<Draft>): AsyncGenerator<Received, void, undefined> {
    for await (const message of messages) {
      const left = apply(message);
      if (left !== undefined) yield left;
    }
  }
  return iterableClient(
    {
      async unary(message) {
        // A lost reply is a call that never ends; an empty one stands for it.
        return apply(await unary(message)) ?? { number: 0, payload: "" };
      },
      serverStream: (plan) => applyAll(serverStream(plan)),
      clientStream: (messages) => clientStream(applyAll(messages)),
      bidi: (messages) => applyAll(bidi(messages)),
    },
    () => {},
  );
}

describe.each(scenarios)("$name", (scenario) => {
  test("passes when nothing is lost, and both sides have counted the same", async () => {
    const served = new Served();
    const verify = await scenario.run(client(served), COUNT);
    expect(verify()).toBe(served.received);
  });

  const changed: Fault = (message, i) =>
    i === 70 ? { ...message, payload: `#${message.payload.slice(1)}` } : message;
  const renumbered: Fault = (message, i) => (i === 70 ? { ...message, number: message.number + 1 } : message);

  test.each([
    ["changed payload", changed],
    ["changed number", renumbered],
  ])("fails on a %s", async (_, fault) => {
    await expect(scenario.run(client(new Served(), fault), COUNT).then((verify) => verify())).rejects.toThrow(
      "wanted",
    );
  });
});

// A ping-pong whose reply is lost waits for ever: there the orchestrator's time limit is what fails.
test.each(scenarios.filter(({ name }) => !name.startsWith("ping-pong")))(
  "$name fails on a lost message",
  async (scenario) => {
    const lost: Fault = (message, i) => (i === 70 ? undefined : message);
    const run = scenario.run(client(new Served(), lost), COUNT).then((verify) => verify());
    await expect(run).rejects.toThrow();
  },
);

test("the source of a stream hands out what it is given", async () => {
  const seen: Draft[] = [];
  for await (const message of source([{ number: 1, payload: "a" }])) seen.push(message);
  expect(seen).toEqual([{ number: 1, payload: "a" }]);
});

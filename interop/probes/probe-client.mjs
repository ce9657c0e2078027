// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { createServer } from "node:net";
import { settings, settingsAck, Type } from "../../wire/frames.mjs";
import { reactionOf, Wire } from "./wire.mjs";

const requestMs = 5000;
const outcomeMs = 1000;
const closeMs = 3000;

/**
 * Probes a client: it is told a port, where a server by hand takes its request and answers with the probe's input. Gives
 * what it did, and what its application heard.
 */
export async function probeClient(client, probe) {
  const server = createServer({ allowHalfOpen: false }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  const connected = once(server, "connection");
  client.call(port);
  const [socket] = await connected;
  // One connection: a request that is sent again finds nobody.
  server.close();
  const wire = new Wire(socket, { expectPreface: true });
  try {
    wire.send(settings(), settingsAck);
    await wire.until(() => wire.frames.some(({ type }) => type === Type.HEADERS), requestMs);
    await wire.barrier();
    wire.frames = [];
    wire.send(...probe.input);
    if (probe.closes) {
      socket.end();
      return await client.outcome(port, closeMs);
    }
    const alive = await wire.barrier();
    if (!alive) await wire.until(() => wire.closed, closeMs);
    const heard = await client.outcome(port, outcomeMs);
    return `${reactionOf(wire, alive)}, ${heard}`;
  } finally {
    wire.destroy();
  }
}

// SPDX-License-Identifier: Apache-2.0
import { start, within } from "../rig/child.mjs";
import { spawnOptions } from "../rig/peers.mjs";

const readyMs = 30_000;
const tristream = [process.execPath, "--conditions=@tristream/source", "--import", "tsx"];

/** Who is probed: the name of its column, and how its server and its client are started. `go`: Go's program, of a version. */
export function peersOf(go, version) {
  return [
    {
      name: "ours",
      server: [...tristream, "interop/probes/servers/tristream.ts"],
      client: [...tristream, "interop/probes/clients/tristream.ts"],
    },
    {
      name: `node:http2 ${process.versions.node}`,
      server: [process.execPath, "interop/probes/servers/node.mjs"],
      client: [process.execPath, "interop/probes/clients/node.mjs"],
    },
    { name: `Go ${version} net/http`, server: [go, "server"], client: [go, "client"] },
  ];
}

/** Starts a server that prints `READY PORT`. */
export async function startServer(command) {
  let ready;
  const port = new Promise((resolve) => {
    ready = resolve;
  });
  const onLine = (line) => {
    const [, value] = /^READY (\d+)$/.exec(line) ?? [];
    if (value !== undefined) ready(Number(value));
  };
  const child = start(command, { ...spawnOptions, onLine });
  const died = child.exited.then(({ said }) => {
    throw new Error([`${command.at(-1)} ${said}`, ...child.tail()].join("\n"));
  });
  died.catch(() => {});
  const late = `${command.at(-1)} is not ready after ${readyMs / 1000} s`;
  return Object.assign(child, { port: await within(readyMs, late, Promise.race([port, died])) });
}

/** Starts a client that makes a call to each port that it is told, and prints `OUTCOME PORT answer`, or `error`. */
export function startClient(command) {
  const outcomes = new Map();
  const waiting = new Map();
  const onLine = (line) => {
    const [, port, outcome] = /^OUTCOME (\d+) (\w+)$/.exec(line) ?? [];
    if (port === undefined) return;
    outcomes.set(Number(port), outcome);
    waiting.get(Number(port))?.(outcome);
  };
  const child = start(command, { ...spawnOptions, onLine, input: true });
  return Object.assign(child, {
    call: (port) => child.write(`${port}\n`),
    /** How the call to a port ended for its application; `nothing` if it has not heard of an end. */
    outcome: (port, ms) => {
      if (outcomes.has(port)) return outcomes.get(port);
      const outcome = new Promise((resolve) => waiting.set(port, resolve));
      return within(ms, "nothing", outcome).catch(() => "nothing");
    },
  });
}

// SPDX-License-Identifier: Apache-2.0
import { start, within } from "../rig/child.mjs";
import { spawnOptions, urlOf } from "../rig/peers.mjs";
import { tristream } from "./programs.mjs";

const readyMs = 30_000;
const suiteMs = 5 * 60_000;

/** gRPC's interop cases that need neither TLS nor Google's cloud. */
const cases = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "custom_metadata",
  "status_code_and_message",
  "special_status_message",
  "unimplemented_method",
  "unimplemented_service",
  "cancel_after_begin",
  "cancel_after_first_response",
  "timeout_on_sleeping_server",
];

/** Cases that grpc-go's own client lacks. */
const compressedCases = [
  "client_compressed_unary",
  "server_compressed_unary",
  "client_compressed_streaming",
  "server_compressed_streaming",
];

const all = cases.length + compressedCases.length;

/** Our client, with each case so many times at once, against grpc-go's test service. */
export function runOurClient(tools, parallel) {
  return withServer([tools["grpc-interop-peer"], "server"], async ({ port }) => {
    const passed = new Set();
    const failures = [];
    const program = tristream("grpc/client");
    const client = start([...program, urlOf(port), String(parallel), ...cases, ...compressedCases], {
      ...spawnOptions,
      onLine: (line) => {
        const [, outcome, name, why] = /^(PASS|FAIL) (\w+)(?:: (.*))?/.exec(line) ?? [];
        if (outcome === "PASS") passed.add(name);
        if (outcome === "FAIL") failures.push([name, why]);
      },
    });
    const { said } = await ended("our client", client);
    if (passed.size + failures.length < all) failures.push([`our client ${said}`, ...client.tail()]);
    return { passed: passed.size, all, failures };
  });
}

/** grpc-go's clients, a process for each case and so many at once, against our server. */
export function runOurServer(tools, parallel) {
  return withServer(tristream("grpc/server"), async (server) => {
    const left = [...clientCommands(tools, server.port)];
    const failures = [];
    const worker = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [name, command] = next;
        const client = start(command, spawnOptions);
        const { code, said } = await ended(name, client);
        if (code !== 0) failures.push([name, said, ...client.tail()]);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    if (!server.alive) failures.push(["the server is gone", ...server.tail()]);
    return { passed: Math.max(0, all - failures.length), all, failures };
  });
}

function* clientCommands(tools, port) {
  const address = ["-server_host", "127.0.0.1", "-server_port", String(port)];
  for (const name of cases) yield [name, [tools["grpc-interop-client"], ...address, "-test_case", name]];
  for (const name of compressedCases)
    yield [name, [tools["grpc-interop-peer"], "client", `127.0.0.1:${port}`, name]];
}

const ended = (what, child) =>
  within(suiteMs, `${what}: no end within ${suiteMs / 60_000} minutes`, child.exited);

async function withServer(command, test) {
  let ready;
  const port = new Promise((resolve) => {
    ready = resolve;
  });
  const child = start(command, {
    ...spawnOptions,
    onLine: (line) => {
      const [, value] = /^READY (\d+)$/.exec(line) ?? [];
      if (value !== undefined) ready(Number(value));
    },
  });
  const died = child.exited.then(({ said }) => {
    throw new Error([`the server ${said}`, ...child.tail()].join("\n"));
  });
  died.catch(() => {});
  const late = `the server does not listen after ${readyMs / 1000} s`;
  try {
    return await test(
      Object.assign(child, { port: await within(readyMs, late, Promise.race([port, died])) }),
    );
  } finally {
    child.kill();
    await child.exited;
  }
}

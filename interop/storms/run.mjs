// SPDX-License-Identifier: Apache-2.0
// node interop/storms/run.mjs [--only TEXT]: honest peers cancel 3,000 calls at once, and make 10,000 calls of a millisecond whose deadlines
// partly pass. See ../README.md.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildJava, classPath } from "../rig/build.mjs";
import { killAll, start, within } from "../rig/child.mjs";
import { buildGoTools } from "../rig/go-tools.mjs";
import { peers, spawnOptions } from "../rig/peers.mjs";

const { values: options } = parseArgs({ options: { only: { type: "string", default: "" } } });
const readyMs = 60_000;
const clientMs = 120_000;
const settledMs = 10_000;
const cancels = 3000;
/** How many calls with deadlines the first run has, and the other one. */
const deadlinesOf = (i) => (i === 0 ? 10_000 : 0);
/** 101 calls before a storm, and after each. */
const goodCallsOf = (i) => (i === 0 ? 303 : 202);

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

const { storm: go } = await buildGoTools("grpc-go", { storm: "./storm" });
await buildJava({});
const tristream = [process.execPath, "--conditions=@tristream/source", "--import", "tsx"];
const library = (name) => [...tristream, "interop/storms/client.ts", name];
const clients = {
  tristream: { command: library("tristream") },
  "grpc-go": { command: [go, "client"] },
  // netty fails calls beyond the server's limit of 1024 streams, where others let them wait
  "dubbo-java": { command: ["java", "-Xmx512m", "-cp", classPath, "interop.Storms"], atMost: 1000 },
  "grpc-js": { command: library("grpc-js") },
  "connect-es": { command: library("connect-es") },
};
const servers = {
  "grpc-go": { command: async () => [go, "server"], runs: [{ streams: cancels, request: "paced" }] },
  // netty ends a connection after 200 resets in 30 s, and dubbo-java mixes up the frames of some 300 answers at once: so our client
  // loses connections, and has to go on with others
  "dubbo-java": {
    command: peers.java.server,
    runs: [
      { streams: 150, request: "hang:storm" },
      { streams: cancels, request: "hang:storm" },
    ],
    cuts: true,
  },
};

let failures = 0;
const began = performance.now();
for (const name of Object.keys(clients)) {
  if (chosen(`${name} -> tristream`)) await judged(`${name} -> tristream`, againstOurs(clients[name]));
}
for (const name of Object.keys(servers)) {
  if (chosen(`tristream -> ${name}`)) await judged(`tristream -> ${name}`, againstTheirs(servers[name]));
}
console.log(`storms: ${failures === 0 ? "ok" : `${failures} FAILED`} in ${seconds(began)}`);
process.exit(failures === 0 ? 0 : 1);

function chosen(title) {
  return title.includes(options.only);
}

async function judged(title, play) {
  const start = performance.now();
  let found;
  try {
    found = await play;
  } catch (error) {
    found = { line: "", problems: [error.message] };
  }
  const { line, problems } = found;
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${title.padEnd(26)} ${line} in ${seconds(start)}`);
  for (const problem of problems) console.log(`       ${problem}`);
  if (problems.length > 0) failures++;
}

/** A foreign or our own client against our server: the census of the server decides. */
async function againstOurs({ command, atMost = cancels }) {
  const census = [];
  const server = await serving([...tristream, "interop/storms/server.ts"], (line) => {
    if (line.startsWith("CENSUS ")) census.push(JSON.parse(line.slice(7)));
  });
  try {
    const [standard, wide] = server.ports;
    const runs = [
      { port: standard, streams: atMost, answered: 1000, request: "endless" },
      { port: wide, streams: cancels, answered: cancels, request: "paced" },
    ];
    const { results, problems } = await client(command, runs);
    const seen = await settled(server, census);
    for (const [i, { running, active, connections, lines }] of seen.entries()) {
      const where = i === 0 ? "default options" : "4096 streams";
      if (running + active > 0) problems.push(`${where}: ${running} handlers and ${active} calls are left`);
      if (connections.length !== 1)
        problems.push(`${where}: ${connections.length} connections in place of 1`);
      for (const line of lines.slice(0, 5)) problems.push(`${where}: the server logged ${line}`);
    }
    return { line: summary(results), problems };
  } finally {
    server.child.kill();
  }
}

/** Our client against a foreign server, through a relay that counts connections. */
async function againstTheirs({ command, runs, cuts = false }) {
  const server = await serving(await command(), () => {});
  const relay = await counting(server.ports[0]);
  try {
    const targets = runs.map((run) => ({ ...run, port: relay.port, answered: run.streams }));
    const { results, problems } = await client(library("tristream"), targets, cuts);
    const connections = relay.connections();
    if (!cuts && connections !== 1) problems.push(`${connections} connections in place of 1`);
    return { line: `${summary(results)}, ${connections} connections`, problems };
  } finally {
    server.child.kill();
    relay.close();
  }
}

async function serving(command, onLine) {
  let ready;
  const said = new Promise((resolve) => {
    ready = resolve;
  });
  const child = start(command, {
    ...spawnOptions,
    input: true,
    onLine: (line) => {
      if (line.startsWith("READY ")) ready(line.slice(6).split(" ").map(Number));
      else onLine(line);
    },
  });
  const ended = child.exited.then(({ said: how }) => {
    throw new Error([`the server ${how}`, ...child.tail()].join("\n"));
  });
  ended.catch(() => {});
  const ports = await within(readyMs, "the server is not ready", Promise.race([said, ended]));
  return { child, ports };
}

/** Runs a client to its end; gives its results and what is wrong with them. `cuts`: the server ends connections, but no call hangs. */
async function client(command, runs, cuts = false) {
  const targets = runs.map((run) => [run.port, run.streams, run.answered, run.request].join(":"));
  const results = [];
  const child = start([...command, ...targets], {
    ...spawnOptions,
    onLine: (line) => {
      if (line.startsWith("RESULT ")) results.push(JSON.parse(line.slice(7)));
    },
  });
  const problems = [];
  try {
    const { code, said } = await within(clientMs, `no end within ${clientMs / 1000} s`, child.exited);
    if (code !== 0) problems.push(`the client ${said}`);
  } catch (error) {
    problems.push(error.message);
    child.kill();
  }
  if (results.length !== runs.length) {
    problems.push(`${results.length} of ${runs.length} runs have a result`, ...child.tail().slice(-5));
  }
  for (const [i, result] of results.entries()) {
    const { streams } = runs[i];
    const [goodCalls, deadlines] = [goodCallsOf(i), deadlinesOf(i)];
    if (cuts) {
      const ends =
        result.ok + result.late + sum(Object.values(result.wrong)) + result.cancelled + result.good;
      const calls = streams + deadlines + goodCalls;
      if (ends !== calls) problems.push(`${ends} of ${calls} calls have ended`);
      if (result.good < goodCalls / 2) problems.push(`${result.good} of ${goodCalls} calls went well`);
      continue;
    }
    if (result.cancelled !== streams) problems.push(`${result.cancelled} of ${streams} calls are cancelled`);
    if (result.good !== goodCalls) problems.push(`${result.good} of ${goodCalls} calls went well`);
    if (result.ok + result.late !== deadlines) {
      problems.push(`${result.ok + result.late} of ${deadlines} calls with deadlines ended as they must`);
    }
    for (const [line, count] of Object.entries(result.wrong)) problems.push(`${count} times ${line}`);
  }
  return { results, problems };
}

function summary(results) {
  const total = (key) => sum(results.map((result) => result[key]));
  return `${total("cancelled")} cancelled after ${total("messages")} messages, ${total("late")} of ${total("late") + total("ok")} late`;
}

function sum(numbers) {
  return numbers.reduce((all, n) => all + n, 0);
}

/** The census once nothing runs any more, or after some time. */
async function settled({ child }, census) {
  const until = performance.now() + settledMs;
  for (;;) {
    const before = census.length;
    child.write("census\n");
    while (census.length === before) await sleep(20);
    const last = census.at(-1);
    if (last.every(({ running, active }) => running + active === 0) || performance.now() > until) return last;
    await sleep(100);
  }
}

/** A relay to a port that counts its connections. */
async function counting(port) {
  let connections = 0;
  const relay = createServer((near) => {
    connections++;
    const far = connect(port, "127.0.0.1");
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await once(relay.listen(0, "127.0.0.1"), "listening");
  return { port: relay.address().port, connections: () => connections, close: () => relay.close() };
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

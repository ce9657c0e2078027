// SPDX-License-Identifier: Apache-2.0
// node interop/draining/run.mjs [--only haproxy|nginx]: reloads, drains and stops a proxy under the calls of our client to our server. See ../README.md.
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { run } from "../rig/build.mjs";
import { killAll } from "../rig/child.mjs";
import { freePort } from "../rig/peers.mjs";
import { program, tristream } from "../rig/program.mjs";
import { proxies } from "./proxies.mjs";

const { values: options } = parseArgs({ options: { only: { type: "string", default: "" } } });
const readyMs = 60_000;
const endMs = 30_000;
const reloads = 5;
const betweenMs = 1000;

process.on("exit", killAll);
// A master of nginx that is killed leaves its workers running.
let stopProxy = async () => {};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.once(signal, () => void stopProxy().then(() => process.exit(1)));

/** Why calls may fail with Unavailable, by the error's text. The server has seen no call whose reason `isUnseen`. */
const consumed = {
  pattern: /can't be sent again/,
  words: "not sent again (messages were consumed)",
  isUnseen: true,
};
const refused = { pattern: /can't connect to /, words: "without a proxy", isUnseen: true };
const lost = {
  pattern: /^\w+: \[unavailable\] connection to \S+ lost after/,
  words: "in flight",
  isUnseen: false,
};

let failures = 0;
const began = performance.now();
for (const name of Object.keys(proxies).filter((name) => name.includes(options.only))) {
  await installed(name);
  await play(name, proxies[name]).catch((error) => report(name, [error.message]));
}
console.log(
  `draining: ${failures === 0 ? "ok" : `${failures} FAILED`} in ${seconds(performance.now() - began)}`,
);
process.exit(failures === 0 ? 0 : 1);

async function play(name, proxy) {
  const folder = mkdtempSync(join(tmpdir(), `draining-${name}-`));
  const children = [];
  let current;
  stopProxy = async () => {
    current?.kill(proxy.stop);
    await current?.exited;
  };
  try {
    const server = program([...tristream, "interop/draining/server.ts"]);
    children.push(server);
    const to = await server.said("READY", readyMs);
    const port = await freePort();
    current = await serving(proxy.command(folder, port, to), port);
    const client = program([...tristream, "interop/draining/client.ts", String(port)]);
    children.push(client);
    await client.said("READY", readyMs);
    await sleep(betweenMs);

    for (let i = 0; i < reloads; i++) {
      current.kill(proxy.reload);
      await sleep(betweenMs);
    }
    await judged(`${name}, ${reloads} reloads`, client, server, [consumed]);

    for (const [what, signal, reasons] of [
      ["drained", proxy.drain, [consumed, refused]],
      ["stopped", proxy.stop, [consumed, refused, lost]],
    ]) {
      current.kill(signal);
      await current.exited;
      current = await serving(proxy.command(folder, port, to), port);
      await judged(`${name}, ${what} and started again`, client, server, reasons);
    }

    client.write("end\n");
    await client.said("RESULT", endMs);
    for (const until = Date.now() + endMs; (await seen(server, [])).active > 0; await sleep(100)) {
      if (Date.now() > until) throw new Error("calls are left at the server");
    }
  } finally {
    await stopProxy();
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls go on; those that failed did so for one of the reasons; the server saw no call twice, and none that never left. */
async function judged(what, client, server, reasons) {
  const problems = [];
  const start = performance.now();
  client.write("go on\n");
  await client.said("GOES ON", endMs);
  const took = performance.now() - start;
  client.write("result\n");
  const { ok, unavailable, wrong } = JSON.parse(await client.said("RESULT", endMs));
  for (const [text, names] of Object.entries(wrong)) problems.push(`${names.length} times ${text}`);
  const counts = [];
  for (const [text, names] of Object.entries(unavailable)) {
    const reason = reasons.find(({ pattern }) => pattern.test(text));
    if (reason === undefined) problems.push(`${names.length} times ${text}`);
    else counts.push([reason, names]);
  }
  for (const [reason, names] of counts) {
    const { seen: saw } = await seen(server, names);
    if (saw > 0 && reason.isUnseen)
      problems.push(`the server saw ${saw} calls that failed, since ${reason.words}`);
  }
  const { twice } = await seen(server, []);
  if (twice.length > 0)
    problems.push(`the server saw ${twice.length} calls twice: ${twice.slice(0, 5).join(", ")}`);
  const failed = reasons.map((reason) => {
    const names = counts.filter(([its]) => its === reason).flatMap(([, each]) => each);
    return `${names.length} ${reason.words}`;
  });
  report(
    `${what.padEnd(36)} ${ok} calls ended well, ${failed.join(", ")}; goes on after ${seconds(took)}`,
    problems,
  );
}

/** The server's answers to calls with these names. */
async function seen(server, names) {
  server.write(`${JSON.stringify(names)}\n`);
  return JSON.parse(await server.said("SEEN", endMs));
}

function report(line, problems) {
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${line}`);
  for (const problem of problems) console.log(`       ${problem.slice(0, 400)}`);
  if (problems.length > 0) failures++;
}

async function serving(command, port) {
  const child = program(command);
  for (const until = Date.now() + readyMs; Date.now() < until; await sleep(20)) {
    if (!child.alive) throw new Error([`${command[0]} ended`, ...child.tail()].join("\n"));
    if (await isOpen(port)) return child;
  }
  throw new Error(`${command[0]} does not listen`);
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Debian's package of the proxy, unless there is one. */
async function installed(name) {
  try {
    await run(`the draining of ${name} needs it`, [name, "-v"], {});
  } catch {
    await run(
      `${name} is not on the PATH`,
      ["apt-get", "install", "-y", "--no-install-recommends", name],
      {},
    );
  }
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

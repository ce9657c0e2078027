// SPDX-License-Identifier: Apache-2.0
// node interop/stops/run.mjs [--short] [--only TEXT] [--write]: stops one side for 20 s, makes paths dark and peers vanish, all scenarios beside
// each other. Prints the time to notice; `--write` puts the table into docs/faults.md. See ../README.md.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { killAll, within } from "../rig/child.mjs";
import { buildGoTools } from "../rig/go-tools.mjs";
import { program, tristream } from "../rig/program.mjs";
import { startRelay } from "./relay.mjs";
import { scenarios } from "./scenarios.mjs";
import { writeTable } from "./table.mjs";

const { values: options } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    write: { type: "boolean", default: false },
  },
});
const readyMs = 60_000;
const endMs = 40_000;
/** Scenarios that start their processes at the same time: these take all of the machine. */
const startsAtOnce = 3;

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

const { stop: go } = await buildGoTools("grpc-go", { stop: "./stop" });
const chosen = scenarios.filter(
  ({ name, isLong }) => name.includes(options.only) && !(isLong && options.short),
);
const began = performance.now();
const places = Array.from({ length: startsAtOnce }, () => Promise.resolve());
const results = await Promise.all(chosen.map(judged));
const failed = results.filter(({ problems }) => problems.length > 0).length;
if (options.write && failed === 0) console.log(`written: ${await writeTable(results)}`);
console.log(`stops: ${failed === 0 ? "ok" : `${failed} FAILED`} in ${seconds(performance.now() - began)}`);
process.exit(failed === 0 ? 0 : 1);

async function judged(scenario, i) {
  const result = { scenario, problems: [], client: undefined, server: undefined, goesOn: undefined };
  const children = [];
  try {
    await play(scenario, i, result, children);
  } catch (error) {
    result.problems.push(error.message);
  } finally {
    for (const child of children) child.kill();
  }
  const { problems, client, server, goesOn } = result;
  const times = `client ${noticed(client)}, server ${noticed(server)}, goes on ${goesOn === undefined ? "–" : `after ${seconds(goesOn)}`}`;
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${scenario.name.padEnd(60)} ${times}`);
  for (const problem of problems) console.log(`       ${problem}`);
  if (problems.length > 0)
    for (const child of children) for (const line of child.tail().slice(-4)) console.log(`       | ${line}`);
  return result;
}

async function play(scenario, i, result, children) {
  const { problems } = result;
  const { mode, fault, forMs, clientMs, serverMs } = scenario;
  let opened;
  const before = places[i % startsAtOnce];
  places[i % startsAtOnce] = new Promise((resolve) => {
    opened = resolve;
  });
  await before;
  let server, client, relay;
  try {
    server = program(
      scenario.server === "grpc-go"
        ? [go, "server"]
        : ours("server.ts", JSON.stringify(scenario.options ?? {})),
    );
    children.push(server);
    const port = await server.said("READY", readyMs);
    if (/hole|gone/.test(fault)) relay = await startRelay(port);
    const to = String(relay?.port ?? port);
    client = program(scenario.client === "grpc-go" ? [go, "client", to, mode] : ours("client.ts", to, mode));
    children.push(client);
    await client.said("READY", readyMs);
  } finally {
    opened();
  }
  await sleep(1000);

  const at = Date.now();
  const stopped = { "stop server": server, "stop client": client }[fault];
  if (stopped !== undefined) {
    stopped.kill("SIGSTOP");
    await sleep(forMs);
    stopped.kill("SIGCONT");
  } else if (fault === "kill server") server.kill();
  else relay.fail(fault);

  const lost = async (name, child, ms) => {
    const time = Number.parseInt(
      await child.said("LOST", Math.max(0, at + ms + 3000 - Date.now())).catch(() => ""),
      10,
    );
    if (Number.isNaN(time)) problems.push(`the ${name} has not noticed`);
    else if (time - at > ms)
      problems.push(`the ${name} noticed after ${seconds(time - at)}, more than ${seconds(ms)}`);
    return Number.isNaN(time) ? undefined : time - at;
  };
  [result.client, result.server] = await Promise.all([
    clientMs === undefined ? undefined : lost("client", client, clientMs),
    serverMs === undefined ? undefined : lost("server", server, serverMs),
  ]);

  if (fault !== "kill server") {
    const endedAt = Date.now();
    client.write("go on\n");
    result.goesOn = Number(await client.said("GOES ON", endMs)) - endedAt;
  }
  client.write("end\n");
  const { streams, lost: lostStreams, wrong } = JSON.parse(await client.said("RESULT", endMs));
  problems.push(...wrong.slice(0, 3));
  const wanted = clientMs === undefined ? 0 : streams;
  if (lostStreams !== wanted)
    problems.push(`${lostStreams} of ${streams} streams ended by Unavailable in place of ${wanted}`);
  await within(endMs, "the client does not end", client.exited);
  if (fault === "kill server") return;
  let left;
  for (const until = Date.now() + endMs; left !== "0" && Date.now() < until; await sleep(100)) {
    server.write("left\n");
    left = await server.said("LEFT", endMs);
  }
  if (left !== "0") problems.push(`${left} calls are left at the server`);
}

function ours(file, ...args) {
  return [...tristream, `interop/stops/${file}`, ...args];
}

function noticed(ms) {
  return ms === undefined ? "goes on" : `noticed after ${seconds(ms)}`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

// SPDX-License-Identifier: Apache-2.0
// run.ts [--only TEXT] [--seconds N] [--short] [--list] [--write]: plays every attack against a server of ours with a well-behaved client beside
// it. Run it by `npm run attacks`; see README.md.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Attack, Seen } from "./attack.js";
import { attacks } from "./attack-list.js";
import { Child, killAll } from "./child.js";
import { judge } from "./judge.js";
import { lineOf, type Played, writeTable } from "./table.js";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seconds: { type: "string" },
    short: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const seconds = Number(options.seconds ?? (options.short ? 1 : 3));
if (!(seconds > 0)) throw new Error(`--seconds ${options.seconds}: a number above 0 is needed`);
/** How often an attack is played when the well-behaved client was slow: a busy machine makes it so, too. */
const tries = 3;

const chosen = attacks.filter(
  ({ name, short = false }) => name.includes(options.only) && (short || !options.short),
);
if (chosen.length === 0)
  throw new Error(`no attack ${JSON.stringify(options.only)}: ${attacks.map(({ name }) => name).join(", ")}`);

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

if (options.list) for (const { name, does, rule } of chosen) console.log(`${name}: ${does}. ${rule}.`);
else {
  process.exitCode = await main().catch((error: unknown) => {
    console.log(`attacks: FAILED: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  });
}
process.exit();

async function main(): Promise<number> {
  let good = new Child("good-client");
  let offender = new Child("offender");
  let server = new Child("server");
  const played: Played[] = [];
  for (const attack of chosen) {
    let result: Played;
    try {
      const seen = await play(attack, server, good, offender);
      console.log(lineOf(seen));
      result = seen;
    } catch (error) {
      result = { attack, problems: [error instanceof Error ? error.message : String(error)] };
      console.log(`FAIL ${attack.name}`);
    }
    played.push(result);
    for (const problem of result.problems) console.log(`       ${problem}`);
    // Each attack has a process of its own: garbage of the one before would count.
    if (options.short && result.problems.length === 0) continue;
    server.kill();
    server = new Child("server");
    if (result.seen !== undefined) continue;
    for (const child of [good, offender]) child.kill();
    good = new Child("good-client");
    offender = new Child("offender");
  }
  if (options.write) console.log(`wrote ${await writeTable(played)}`);
  const failed = played.filter(({ problems }) => problems.length > 0);
  const names = failed.map(({ attack }) => attack.name).join(", ");
  console.log(
    `attacks: ${played.length - failed.length} of ${played.length} as they must end${failed.length === 0 ? "" : `, FAILED: ${names}`}`,
  );
  return failed.length === 0 ? 0 : 1;
}

async function play(
  attack: Attack,
  server: Child<"server">,
  good: Child<"good-client">,
  offender: Child<"offender">,
): Promise<Played & { seen: Seen }> {
  for (let i = 1; ; i++) {
    const seen = await playOnce(attack, server, good, offender);
    const { wrong, slow } = judge(attack, seen);
    const result = { attack, seen, problems: [...wrong, ...slow] };
    if (wrong.length > 0 || slow.length === 0 || i === tries) return result;
    console.log(`again: ${lineOf(result)}`);
  }
}

async function playOnce(
  attack: Attack,
  server: Child<"server">,
  good: Child<"good-client">,
  offender: Child<"offender">,
): Promise<Seen> {
  const lasts = Math.max(seconds, attack.seconds ?? 0);
  const port = await server.ask("open", { attack: attack.name });
  await good.ask("open", { port });
  const before = await good.ask("measure", { ms: seconds * 1000 });
  await server.ask("begin", {});
  const [played, during] = await Promise.all([
    offender.ask("play", { attack: attack.name, port, seconds: lasts }),
    good.ask("measure", { ms: lasts * 1000 }),
  ]);
  // The offender has left; the server has a moment to notice.
  await sleep(50);
  const report = await server.ask("report", {});
  await good.ask("close", {});
  await server.ask("close", {});
  return { offender: played, server: report, before, during, ms: lasts * 1000 };
}

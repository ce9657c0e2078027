// SPDX-License-Identifier: Apache-2.0
// npm run bench: every scenario with every peer, round by round; tables on stdout, progress on stderr.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildChildren, buildPackages, requireDist } from "./build.js";
import { measureOnce } from "./children.js";
import { describeMachine, type Machine } from "./machine.js";
import { help, type Options, parseOptions } from "./options.js";
import { type Figure, formatRate, report, type Sample, summarize } from "./report.js";

/** The saved results. */
interface Results {
  readonly machine: Machine;
  readonly options: { readonly rounds: number; readonly seconds: number; readonly warmup: number };
  readonly figures: readonly Figure[];
  readonly samples: readonly Sample[];
}

/** Writes seconds as minutes and seconds: 4:07. */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Measures everything. Peers alternate, and each round begins with another one: a slow minute hits all of them. */
async function measureAll(options: Options): Promise<Sample[]> {
  const { rounds, peers } = options;
  const total = rounds * options.scenarios.length * peers.length;
  const start = performance.now();
  const samples: Sample[] = [];
  for (let round = 1; round <= rounds; round++) {
    const shift = (round - 1) % peers.length;
    const order = [...peers.slice(shift), ...peers.slice(0, shift)];
    for (const scenario of options.scenarios) {
      for (const peer of order) {
        const sample = await measureOnce(round, scenario, peer, options);
        samples.push(sample);
        const elapsed = (performance.now() - start) / 1000;
        const left = (elapsed / samples.length) * (total - samples.length);
        const done = `${samples.length}/${total}, round ${round}/${rounds}, ${clock(elapsed)}, ${clock(left)} left`;
        process.stderr.write(`[${done}] ${scenario.name} ${peer}: ${formatRate(sample.perSecond)}/s\n`);
      }
    }
  }
  return samples;
}

/** Writes the results where they are wanted. */
function save(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  process.stderr.write("results saved\n");
}

async function main(): Promise<void> {
  const wholeRun = fileURLToPath(new URL("../results/latest.json", import.meta.url));
  const options = parseOptions(process.argv.slice(2), wholeRun);
  if (options === undefined) {
    process.stdout.write(help);
    return;
  }
  if (options.peers.includes("tristream")) {
    if (options.build) buildPackages();
    requireDist();
  }
  await buildChildren();
  const machine = describeMachine();
  if (machine.loadBefore > 0.5) {
    process.stderr.write(
      `the load of this machine is ${machine.loadBefore.toFixed(1)}: figures will be noisy\n`,
    );
  }
  const samples = await measureAll(options);
  const figures = summarize(samples);
  const { rounds, seconds, warmup } = options;
  const results: Results = { machine, options: { rounds, seconds, warmup }, figures, samples };
  if (options.out !== undefined) save(resolve(options.out), results);
  if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  else
    process.stdout.write(
      `${machine.date}, Node ${machine.node}, ${machine.cores} x ${machine.cpu}\n\n${report(figures, options)}\n`,
    );
}

/** Says why the run has failed, down to what the child process had to say. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${explain(error.cause)}`;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${explain(error)}\n`);
  process.exitCode = 1;
}

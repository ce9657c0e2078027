// SPDX-License-Identifier: Apache-2.0
// npm run bench:pair -- --against DIR [--pairs N] [--scenario a,b]: this checkout beside another one, interleaved.
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { buildChildren, buildPackages, childFolder, thisCheckout } from "./build.js";
import { measureIdle, measureOnce } from "./children.js";
import { describeMachine } from "./machine.js";
import { parseOptions } from "./options.js";
import { median, type Sample, table } from "./report.js";

const help = `npm run bench:pair -- --against DIR [options]

  --against DIR    another checkout, with its packages installed
  --pairs N        pairs of measurements per scenario (10)
  --seconds S      length of one measurement (1)
  --warmup S       length of the warm-up before it, at least (1)
  --scenario a,b   only these
  --peer NAME      tristream or tristream-protobuf-es (tristream)
  --no-build       take the packages' dist as it is, in both checkouts

Ratios are this checkout's to the other one's: above 1, this one is faster. Each is the median of the pairs' own ratios.
`;

/** A ratio per pair, as its median and how far the pairs lie apart. */
function spread(ratios: readonly number[]): string {
  const sorted = [...ratios].sort((a, b) => a - b);
  return `${median(sorted).toFixed(3)} (${sorted[0]?.toFixed(2)} to ${sorted.at(-1)?.toFixed(2)})`;
}

/** CPU time of both sides for one operation, in microseconds. */
function cpu(sample: Sample): number {
  return sample.clientCpuMicros + sample.serverCpuMicros;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      against: { type: "string" },
      pairs: { type: "string", default: "10" },
      seconds: { type: "string", default: "1" },
      warmup: { type: "string", default: "1" },
      scenario: { type: "string" },
      peer: { type: "string", default: "tristream" },
      "no-build": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help || values.against === undefined) {
    process.stdout.write(help);
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  const { pairs, seconds, warmup, peer } = values;
  const chosen = values.scenario === undefined ? [] : ["--scenario", values.scenario];
  const options = parseOptions(
    ["--rounds", pairs, "--seconds", seconds, "--warmup", warmup, "--peer", peer, ...chosen],
    "",
  );
  if (options === undefined) return;
  const other = pathToFileURL(`${values.against}/`);
  for (const checkout of [thisCheckout, other]) {
    if (!values["no-build"]) buildPackages(checkout);
    await buildChildren(checkout);
  }
  const [ours, theirs] = [childFolder(thisCheckout), childFolder(other)];
  const rows: string[][] = [];
  for (const scenario of options.scenarios) {
    const rates: number[] = [];
    const times: number[] = [];
    for (let pair = 1; pair <= options.rounds; pair++) {
      const measure = (folder: URL) => measureOnce(pair, scenario, options.base, options, folder);
      // The order alternates, so that a drift of the machine meets both.
      const oursFirst = pair % 2 === 1;
      const first = await measure(oursFirst ? ours : theirs);
      const second = await measure(oursFirst ? theirs : ours);
      const [here, there] = oursFirst ? [first, second] : [second, first];
      rates.push(here.perSecond / there.perSecond);
      times.push(cpu(there) / cpu(here));
    }
    rows.push([scenario.title, spread(rates), spread(times)]);
    process.stderr.write(`${scenario.name}: rate ${spread(rates)}, CPU time ${spread(times)}\n`);
  }
  const { date, node, cores, cpu: processor } = describeMachine();
  const idle = [await measureIdle(ours), await measureIdle(theirs)].map(
    ({ client, server }) => `client ${client.toFixed(0)} B, server ${server.toFixed(0)} B`,
  );
  process.stdout.write(
    `${date}, Node ${node}, ${cores} x ${processor}, ${pairs} pairs\n\n${table(
      ["this checkout to the other one", "rate (pairs)", "operations per CPU time (pairs)"],
      rows,
    )}\n\nheap of an idle stream: here ${idle[0]}; there ${idle[1]}\n`,
  );
}

await main();

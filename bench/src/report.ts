// SPDX-License-Identifier: Apache-2.0
import { libraryOf, type PeerName } from "./load-peer.js";

/** One measurement of one round. */
export interface Sample {
  readonly round: number;
  readonly scenario: string;
  readonly peer: PeerName;
  readonly operations: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** False when the warm-up was too short for the library to run compiled: it may be faster than this. */
  readonly warm: boolean;
  /** CPU time an operation, in microseconds; it says more than the rate when others use the machine. */
  readonly clientCpuMicros: number;
  readonly serverCpuMicros: number;
}

/** One scenario with one peer, over all rounds. */
export interface Figure {
  readonly scenario: string;
  readonly peer: PeerName;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** True if all rounds were warm. */
  readonly warm: boolean;
  readonly clientCpuMicros: number;
  readonly serverCpuMicros: number;
}

/** Returns the middle of `values`, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("no values: a median needs at least one");
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  // Both indexes are within the array, as it is not empty.
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2;
}

/** Puts the rounds of each scenario and peer together, in the order in which they first appear. */
export function summarize(samples: readonly Sample[]): Figure[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = `${sample.scenario}\n${sample.peer}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample]);
    else group.push(sample);
  }
  return [...groups.values()].map((group) => {
    // A group is made with its first sample.
    const { scenario, peer } = group[0] as Sample;
    const rates = group.map((sample) => sample.perSecond);
    return {
      scenario,
      peer,
      median: median(rates),
      min: Math.min(...rates),
      max: Math.max(...rates),
      warm: group.every((sample) => sample.warm),
      clientCpuMicros: median(group.map((sample) => sample.clientCpuMicros)),
      serverCpuMicros: median(group.map((sample) => sample.serverCpuMicros)),
    };
  });
}

/** Writes a rate with three digits that count: 1.23 M, 45.6 k, 789. */
export function formatRate(rate: number): string {
  if (rate >= 1e6) return `${(rate / 1e6).toPrecision(3)} M`;
  if (rate >= 1e3) return `${(rate / 1e3).toPrecision(rate >= 999_500 ? 4 : 3)} k`;
  return String(Math.round(rate));
}

/** Writes microseconds with as many digits as say something: 0.42, 7.31, 45.2, 1340. */
export function formatMicros(micros: number): string {
  if (micros >= 100) return String(Math.round(micros));
  return micros.toFixed(micros >= 10 ? 1 : 2);
}

/** Writes how far the rounds lie from the median: -3/+12 %. */
export function formatSpread(figure: Figure): string {
  const percent = (value: number) => Math.round(Math.abs(value / figure.median - 1) * 100);
  return `-${percent(figure.min)}/+${percent(figure.max)} %`;
}

/** Lays out rows as a Markdown table whose columns line up. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  // The first column holds names, the others figures.
  const pad = (cell: string, i: number) =>
    i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

/** The subject of a report. */
export interface ReportOptions {
  readonly scenarios: readonly { readonly name: string; readonly title: string; readonly unit: string }[];
  readonly peers: readonly PeerName[];
  /** The peer that the others are compared with; so is each other setting of its library. */
  readonly base: PeerName;
}

/** Writes tables: rates, how many times faster each setting of the base's library is, and CPU time an operation. */
export function report(figures: readonly Figure[], options: ReportOptions): string {
  const { peers, base } = options;
  const settings = peers.filter((peer) => libraryOf(peer) === libraryOf(base));
  const rivals = peers.filter((peer) => !settings.includes(peer));
  // Settings of one library are compared with each other when no other library runs.
  const own = rivals.length > 0 ? settings : [base];
  const others = peers.filter((peer) => !own.includes(peer));
  const find = (scenario: string, peer: PeerName) =>
    figures.find((f) => f.scenario === scenario && f.peer === peer);
  const cells = (each: (figure: Figure) => string, of: readonly PeerName[], scenario: string) =>
    of.map((peer) => {
      const figure = find(scenario, peer);
      return figure === undefined ? "-" : each(figure);
    });
  const rows = (each: (scenario: string) => readonly string[]) =>
    options.scenarios.map(({ name, title }) => [title, ...each(name)]);

  const rates = table(
    ["per second, median (rounds)", "of", ...peers],
    options.scenarios.map(({ name, title, unit }) => [
      title,
      `${unit}s`,
      ...cells(
        (figure) => `${figure.warm ? "" : "cold: "}${formatRate(figure.median)} (${formatSpread(figure)})`,
        peers,
        name,
      ),
    ]),
  );
  const ratios = own.map((peer) =>
    table(
      [`${peer} is … times as fast as`, ...others, "the best of them"],
      rows((scenario) => {
        const rate = find(scenario, peer)?.median;
        const found = others.flatMap((other) => find(scenario, other) ?? []);
        const ratio = (rival: number) => (rate === undefined ? "-" : (rate / rival).toFixed(2));
        const best = Math.max(...found.map((figure) => figure.median));
        return [...cells((figure) => ratio(figure.median), others, scenario), ratio(best)];
      }),
    ),
  );
  const cpu = table(
    ["CPU µs per operation, client + server", ...peers],
    rows((scenario) =>
      cells(
        (f) => `${formatMicros(f.clientCpuMicros)} + ${formatMicros(f.serverCpuMicros)}`,
        peers,
        scenario,
      ),
    ),
  );
  return [rates, ...(others.length === 0 ? [] : ratios), cpu].join("\n\n");
}

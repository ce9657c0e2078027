// SPDX-License-Identifier: Apache-2.0
import type { PeerClient } from "./peer.js";
import type { Scenario } from "./scenarios.js";

/** How long to measure. */
export interface Duration {
  /** Seconds that the measured run is to take. */
  readonly seconds: number;
  /** Seconds before it, at least, in runs that grow, until the code is compiled and the rate is known. */
  readonly warmup: number;
}

/** Called when the measured run begins and ends, so that others can read their own clocks. */
export type Mark = (moment: "begin" | "end") => void;

/** The result of one measured run. */
export interface Measurement {
  readonly operations: number;
  readonly seconds: number;
  /** CPU time of the client's process in the run. */
  readonly clientCpuMs: number;
  /** True if the warm-up reached its number of operations; if not, the rate may be that of cold code. */
  readonly warm: boolean;
  /** Messages that the client has sent since it started, warm-up included. */
  readonly sent: number;
}

const FIRST_COUNT = 64;
const WARMUP_RUNS = 4;

/**
 * V8 compiles by the number of calls, not by time: below so many operations a slow library would be measured cold
 * (grpc-js serves unary calls three times as fast after 5,000 of them as after 2,000).
 */
const WARMUP_OPERATIONS = 10_000;

/** The warm-up ends after so many times its length, whatever was reached. */
const WARMUP_LIMIT = 10;

/** Returns the milliseconds of CPU time of this process, user and system. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Warms up, then does as many operations as the rate of the warm-up promises for the time asked for.
 * The number is fixed before the clock starts: no message needs to look at a clock, and both sides know what is due.
 */
export async function measure(
  scenario: Scenario,
  client: PeerClient,
  duration: Duration,
  mark: Mark,
): Promise<Measurement> {
  let sent = 0;
  const run = async (count: number): Promise<number> => {
    const start = performance.now();
    const verify = await scenario.run(client, count);
    const seconds = (performance.now() - start) / 1000;
    sent += verify();
    return seconds;
  };

  const start = performance.now();
  let count = FIRST_COUNT;
  let rate = count / (await run(count));
  let warmedUp = count;
  const isWarm = (): boolean => {
    const rounds = (performance.now() - start) / 1000 / duration.warmup;
    return rounds >= WARMUP_LIMIT || (rounds >= 1 && warmedUp >= WARMUP_OPERATIONS);
  };
  while (!isWarm()) {
    // No more than four times as many as before: the first rates are those of cold code.
    count = Math.ceil(Math.min(count * 4, Math.max(FIRST_COUNT, (rate * duration.warmup) / WARMUP_RUNS)));
    rate = count / (await run(count));
    warmedUp += count;
  }

  const operations = Math.ceil(rate * duration.seconds);
  mark("begin");
  const cpuBefore = cpuMs();
  const seconds = await run(operations);
  const clientCpuMs = cpuMs() - cpuBefore;
  mark("end");
  return { operations, seconds, clientCpuMs, warm: warmedUp >= WARMUP_OPERATIONS, sent };
}

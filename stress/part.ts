// SPDX-License-Identifier: Apache-2.0
import { heapUsed, resources } from "./census.js";
import { Random } from "./random.js";
import { Rig, resourcesLeft } from "./rig.js";

/** The input of a part. */
export interface Task {
  readonly rig: Rig;
  readonly random: Random;
  readonly times: number;
  /** For the mixture, which goes by time. */
  readonly seconds: number;
  /** Something was not as it is promised. */
  wrong(what: string): void;
  /** A line of progress. */
  say(line: string): void;
}

/** One promise, or the mixture of all. */
export interface Part {
  readonly name: string;
  /** Does it so many times, and says what is wrong. */
  run(task: Task): Promise<void>;
  /** Looks at what passed on the wire, when all connections are closed. `times` as it was run in all. */
  wire?(rig: Rig, times: number): readonly string[];
}

/** How a part went. */
export interface Report {
  readonly problems: readonly string[];
  readonly seconds: number;
  readonly heapGrowth: number;
}

/**
 * Heap that may be in use after a part beyond what was before it, once the same was done for a while: code that V8 has
 * compiled meanwhile, and its feedback. A leak of 1.5 KB in each of 1000 calls is more.
 */
const heapTolerance = 1_500_000;

/** So many problems of one part are enough to know; more would take their time, as each waits for what never comes. */
const mostTold = 20;

/** There were too many problems to go on: what still runs would disturb the next part. */
export class GivenUp extends Error {}

/** How much of each is done. */
export interface Amount {
  readonly times: number;
  readonly seconds: number;
}

/** Runs a part, then counts what is left. */
export async function runPart(
  part: Part,
  { times, seconds: given }: Amount,
  seed: number,
  say: (line: string) => void,
): Promise<Report> {
  const problems: string[] = [];
  const wrong = (what: string): void => {
    say(`WRONG: ${what}`);
    problems.push(what);
    if (problems.length === mostTold) throw new GivenUp(`given up after ${mostTold} problems`);
  };
  const before = resources();
  const random = new Random(seed);
  const rig = await Rig.start();
  const warmUp = Math.max(50, Math.ceil(times / 4));
  const task = { rig, wrong, say };
  await part.run({
    ...task,
    random: random.fork(),
    times: warmUp,
    seconds: Math.max(15, Math.ceil(given / 4)),
  });
  await rig.left();
  const heapBefore = await heapUsed();
  const began = performance.now();
  await part.run({ ...task, random: random.fork(), times, seconds: given });
  const seconds = (performance.now() - began) / 1000;
  for (const left of await rig.left()) wrong(`left: ${left}`);
  const heapGrowth = (await heapUsed()) - heapBefore;
  if (heapGrowth > heapTolerance) wrong(`the heap has grown by ${(heapGrowth / 1e6).toFixed(1)} MB`);
  await rig[Symbol.asyncDispose]();
  for (const what of part.wire?.(rig, warmUp + times) ?? []) wrong(what);
  for (const left of await resourcesLeft(before)) wrong(`left when both ends are closed: ${left}`);
  return { problems, seconds, heapGrowth };
}

/** Does something `times` times, `atOnce` at once. */
export async function repeat(
  times: number,
  atOnce: number,
  act: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < times; i = next++) await act(i);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, times) }, worker));
}

// SPDX-License-Identifier: Apache-2.0
// npm run fuzz:codec -- [--seconds N] [--seed S] [--only]
import { parseArgs } from "node:util";
import { play, schemas } from "./play.js";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    /** Plays the seed alone. */
    only: { type: "boolean", default: false },
  },
});
const seconds = Number(options.seconds);
const first = Number(options.seed);
if (!(seconds > 0) || !Number.isInteger(first)) {
  console.log(`fuzz:codec: FAILED: --seconds ${options.seconds} --seed ${options.seed}: give two numbers`);
  process.exit(1);
}

const progressMs = 10_000;
const began = performance.now();
let told = began;
let comparisons = 0;
for (let seed = first; ; seed++) {
  for (const desc of schemas) {
    try {
      comparisons += play(desc, seed);
    } catch (error) {
      console.log(`${desc.typeName}: ${error instanceof Error ? error.message : String(error)}`);
      console.log(`fuzz:codec: FAILED; the same again: npm run fuzz:codec -- --only --seed ${seed}`);
      process.exit(1);
    }
  }
  const now = performance.now();
  if (options.only || now - began > seconds * 1000) break;
  if (now - told > progressMs) {
    told = now;
    console.log(`${((now - began) / 1000).toFixed(0)} s: ${comparisons.toLocaleString("en")} comparisons`);
  }
}
console.log(
  `fuzz:codec: as protobuf-es in ${comparisons.toLocaleString("en")} comparisons, ${schemas.length} types of message (seed ${first})`,
);

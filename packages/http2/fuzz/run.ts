// SPDX-License-Identifier: Apache-2.0
// npm run fuzz -- [--seconds N] [--seed S] [--only]
import { parseArgs } from "node:util";
import { ConversationMaker } from "./conversation-maker.js";
import { shrink, violationOf } from "./shrink.js";
import type { Conversation, Step, Violation } from "./step.js";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    /** Plays the conversation of the seed alone. */
    only: { type: "boolean", default: false },
  },
});
const progressMs = 10_000;
const seconds = Number(options.seconds);
const first = Number(options.seed);
if (!(seconds > 0) || !Number.isInteger(first)) {
  console.log(`fuzz: FAILED: --seconds ${options.seconds} --seed ${options.seed}: give two numbers`);
  process.exit(1);
}

const began = performance.now();
let told = began;
let conversations = 0;
let steps = 0;
for (let seed = first; ; seed++) {
  const maker = new ConversationMaker(seed);
  try {
    maker.play();
  } catch (error) {
    report(seed, maker.conversation, violationOf(error));
    process.exit(1);
  }
  conversations++;
  steps += maker.steps.length;
  const now = performance.now();
  if (options.only || now - began > seconds * 1000) break;
  if (now - told > progressMs) {
    told = now;
    console.log(`${((now - began) / 1000).toFixed(0)} s: ${counts()}`);
  }
}
console.log(`fuzz: no violation in ${counts()} (seed ${first})`);

function counts(): string {
  return `${conversations.toLocaleString("en")} conversations, ${steps.toLocaleString("en")} steps`;
}

function report(seed: number, whole: Conversation, violation: Violation): void {
  console.log(`violation: ${violation.message}`);
  const { steps: few, ...rest } = shrink(whole, violation);
  console.log(`${JSON.stringify(rest)}`);
  console.log(`${few.length} of ${whole.steps.length} steps reproduce it:`);
  for (const step of few) console.log(`  ${line(step)}`);
  console.log(`fuzz: FAILED after ${counts()}; the same again: npm run fuzz -- --only --seed ${seed}`);
}

function line(step: Step): string {
  if (step.do !== "input") return JSON.stringify(step);
  const hex = step.hex.length > 400 ? `${step.hex.slice(0, 400)}… (${step.hex.length / 2} bytes)` : step.hex;
  return `input ${hex}  (${step.note})`;
}

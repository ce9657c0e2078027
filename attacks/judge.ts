// SPDX-License-Identifier: Apache-2.0
import type { Attack, Seen } from "./attack.js";

/** The part of its rate that the well-behaved client has to keep. */
const leastRate = 0.8;
/** How many times its p99 before the attack it may have meanwhile. */
const mostDelay = 3;
/** A p99 below this says how the machine schedules processes, and counts as this. */
const noiseMs = 10;
/**
 * A server that stalls for less CPU time than the p99 may always have, and uses less of a core, did not make the well-behaved
 * client wait: other processes of the machine did.
 */
const leastStallMs = mostDelay * noiseMs;
const leastCore = 0.5;
/** Memory beyond the formula: garbage that is not collected yet, and what each message takes as an object. */
const slackMiB = 96;
const mib = 2 ** 20;

/** The faults of an outcome. */
export interface Verdict {
  /** The rule of the attack, memory, errors: wrong is wrong. */
  readonly wrong: string[];
  /** The rate and p99 of the well-behaved client, which a busy machine lowers, too. */
  readonly slow: string[];
}

export function judge(attack: Attack, seen: Seen): Verdict {
  const { before, during, server } = seen;
  const wrong = attack.judge(seen);
  const bound = memoryBound(attack);
  if (server.rssMiB > bound)
    wrong.push(`memory grew by ${server.rssMiB.toFixed(0)} MiB, the formula allows ${bound.toFixed(0)}`);
  if (during.errors.length > 0) wrong.push(`the well-behaved client failed: ${during.errors[0]}`);
  if (server.forged > 0) wrong.push(`${server.forged} lines of the log have control characters`);
  if (server.leftCalls > 0) wrong.push(`${server.leftCalls} calls are left`);
  const slow: string[] = [];
  if (server.stallMs < leastStallMs && server.cpuMs < leastCore * seen.ms) return { wrong, slow };
  if (during.rate < leastRate * before.rate)
    slow.push(
      `the well-behaved client's rate fell from ${before.rate.toFixed(0)} to ${during.rate.toFixed(0)}/s`,
    );
  if (during.p99 > mostDelay * Math.max(before.p99, noiseMs))
    slow.push(
      `the well-behaved client's p99 rose from ${before.p99.toFixed(1)} to ${during.p99.toFixed(1)} ms`,
    );
  return { wrong, slow };
}

/** The formula of docs/limits.md for the connections of the offender, with some slack, in MiB. */
export function memoryBound({ server = {}, connections = 1, answersWait = false }: Attack): number {
  const {
    maxConcurrentStreams = 1024,
    maxBufferedBytes = 16 * mib,
    maxQueuedBytes = 256 * mib,
  } = server.http2 ?? {};
  const received = maxConcurrentStreams * 65_535 + 3 * maxBufferedBytes;
  return slackMiB + (connections * (received + (answersWait ? maxQueuedBytes : 0))) / mib;
}

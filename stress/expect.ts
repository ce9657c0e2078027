// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@tristream/node";
import type { Made, Outcome } from "./call.js";
import { inTime, never, turn } from "./events.js";
import type { Plan } from "./plan.js";
import type { Rig } from "./rig.js";

/** A call in words, for a problem. */
export function inWords({ plan, ending, timeoutMs }: Pick<Made, "plan" | "ending" | "timeoutMs">): string {
  const time = timeoutMs === undefined ? "" : ` of ${timeoutMs} ms`;
  return `${plan.method}, handler: ${plan.act}, client: ${ending}${time}`;
}

/** An outcome in words. */
export function outcomeInWords(outcome: Outcome | typeof never): string {
  if (outcome === never) return "never settled";
  if (outcome.is === "ok" || outcome.is === "left") return outcome.is;
  return `${Code[outcome.is]}: ${outcome.error?.rawMessage}`;
}

/** Makes a call, and says what is wrong unless it ends in one of the given ways. */
export async function makeAs(
  rig: Rig,
  made: Made,
  allowed: readonly Outcome["is"][],
  wrong: (what: string) => void,
): Promise<Outcome | typeof never> {
  const outcome = await inTime(rig.calls.make(made));
  if (outcome === never || !allowed.includes(outcome.is))
    wrong(`${inWords(made)}: ${outcomeInWords(outcome)}`);
  return outcome;
}

/** Says what is wrong unless the handler's signal fires with one of the codes, and its `finally` runs. */
export async function handlerEnds(
  made: Pick<Made, "plan" | "ending" | "timeoutMs">,
  codes: readonly Code[],
  wrong: (what: string) => void,
): Promise<void> {
  const { plan } = made;
  const reason = await inTime(plan.signal.promise);
  const code = reason instanceof ConnectError ? reason.code : undefined;
  if (code === undefined || !codes.includes(code))
    wrong(`${inWords(made)}: the handler's signal: ${reason === never ? "never fired" : String(reason)}`);
  if ((await inTime(plan.finalised.promise)) === never)
    wrong(`${inWords(made)}: the handler's finally never ran`);
}

/** Waits until a handler that floods waits for room. */
export async function stalled(plan: Plan): Promise<void> {
  for (let last = -1; last !== plan.produced; ) {
    last = plan.produced;
    for (let i = 0; i < 30; i++) await turn();
  }
}

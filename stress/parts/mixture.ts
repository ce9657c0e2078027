// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { Code } from "@tristream/node";
import type { Ending, Made, Outcome } from "../call.js";
import { inTime, never } from "../events.js";
import { inWords, outcomeInWords } from "../expect.js";
import type { Part, Task } from "../part.js";
import { type Act, type Method, methods, type Plan } from "../plan.js";
import type { Random } from "../random.js";

const workers = 32;
/** A loss is noticed a little after it has happened. */
const aftermathMs = 2000;

const acts: readonly Act[] = [
  "echo",
  "echo",
  "echo",
  "refuse",
  "crash",
  "enough",
  "read",
  "wait",
  "ignore",
  "flood",
];
/** The outcome of a handler's call that ends by itself; the others never do. */
const natural: Partial<Record<Act, Outcome["is"]>> = {
  echo: "ok",
  enough: "ok",
  read: "ok",
  refuse: Code.Aborted,
  crash: Code.Internal,
};
const endings: Record<Method, readonly Ending[]> = {
  greet: ["signal", "deadline"],
  greetServerStream: ["break", "throw in the loop", "return()", "cancel()", "dispose", "signal", "deadline"],
  greetClientStream: ["cancel()", "dispose", "signal", "deadline", "requests that throw"],
  greetStream: ["break", "throw in the loop", "return()", "signal", "deadline", "requests that throw"],
};
const byEnding: Partial<Record<Ending, Outcome["is"]>> = {
  signal: Code.Canceled,
  deadline: Code.DeadlineExceeded,
  "requests that throw": Code.DataLoss,
};

/** The faults of connections and server meanwhile. */
class Trouble {
  private last = Number.NEGATIVE_INFINITY;
  private running = false;
  cuts = 0;
  restarts = 0;

  /** True if a call that began then may have met some. */
  met(began: number): boolean {
    return this.running || this.last > began - aftermathMs;
  }

  async make({ rig, random }: Task, until: number): Promise<void> {
    while (performance.now() < until) {
      // Quiet times too, in which nothing may be Unavailable.
      await delay(random.percent(20) ? 3000 : random.below(400));
      this.running = true;
      if (random.percent(80)) {
        rig.relay.cut();
        this.cuts++;
      } else {
        await rig.restart(random.of([0, 0, 50, 300]));
        this.restarts++;
      }
      this.running = false;
      this.last = performance.now();
    }
  }
}

export const mixture: Part = {
  name: "all of them, mixed",
  async run(task) {
    const { rig, random, seconds, wrong, say } = task;
    const until = performance.now() + seconds * 1000;
    const trouble = new Trouble();
    const outcomes = new Map<string, number>();
    const work = async (own: Random): Promise<void> => {
      while (performance.now() < until) {
        const { made, allowed } = draw(task, own);
        const began = performance.now();
        const outcome = await inTime(rig.calls.make(made));
        const met = trouble.met(began);
        check(made, outcome, met ? [...allowed, Code.Unavailable] : allowed, wrong);
        const is =
          outcome === never ? "never" : typeof outcome.is === "number" ? Code[outcome.is] : outcome.is;
        outcomes.set(String(is), (outcomes.get(String(is)) ?? 0) + 1);
        await handlerIsThrough(made, wrong);
        rig.plans.delete(made.plan);
      }
    };
    const told = setInterval(
      () => say(`${inCounts(outcomes)}; ${trouble.cuts} cuts, ${trouble.restarts} restarts`),
      10_000,
    );
    await Promise.all([
      trouble.make({ ...task, random: random.fork() }, until),
      ...Array.from({ length: workers }, () => work(random.fork())),
    ]);
    clearInterval(told);
    say(`${inCounts(outcomes)}; ${trouble.cuts} cuts, ${trouble.restarts} restarts`);
    // The last events may still be noticed.
    await delay(aftermathMs);
  },
};

/** A call by chance, and the ways in which it may end. */
function draw({ rig }: Task, random: Random): { made: Made; allowed: readonly Outcome["is"][] } {
  const method = random.of(methods);
  const act = random.of(acts);
  const own = natural[method === "greet" && (act === "flood" || act === "read") ? "echo" : act];
  const floodsNot = method === "greetClientStream" && act === "flood" ? "ok" : own;
  const ending = floodsNot !== undefined && random.percent(50) ? "none" : random.of(endings[method]);
  const plan = rig.plans.add(method, act);
  const made: Made = {
    plan,
    ending,
    requests: 1 + random.below(random.percent(10) ? 500 : 10),
    open: act === "enough",
    leaveAfter: random.percent(30) ? Promise.resolve() : delay(random.below(30)),
    ...(ending === "deadline" ? { timeoutMs: 1 + random.below(80) } : {}),
  };
  const ways = [floodsNot, ending === "none" ? undefined : (byEnding[ending] ?? "left")];
  return { made, allowed: ways.filter((way) => way !== undefined) };
}

function check(
  made: Made,
  outcome: Outcome | typeof never,
  allowed: readonly Outcome["is"][],
  wrong: (what: string) => void,
): void {
  if (outcome === never || !allowed.includes(outcome.is))
    wrong(`${inWords(made)}: ${outcomeInWords(outcome)}`);
  else if (!answersAreRight(made, outcome))
    wrong(
      `${inWords(made)}: ${outcomeInWords(outcome)} with ${JSON.stringify(outcome.answers).slice(0, 200)}`,
    );
}

/** True if what came is what the handler has sent, without a gap, and all of it if the call ended well. */
function answersAreRight({ plan, requests = 2 }: Made, { is, answers }: Outcome): boolean {
  if (plan.act === "flood") return true;
  const names = Array.from({ length: requests }, (_, i) => `${plan.id}: ${i}`);
  const expected = expectedAnswers(plan, names);
  if (is === "ok" && answers.length !== expected.length) return false;
  return answers.every((answer, i) => answer === expected[i]);
}

function expectedAnswers({ id, method, act }: Plan, names: readonly string[]): readonly string[] {
  switch (method) {
    case "greet":
      return [id];
    case "greetServerStream":
      return [0, 1, 2].map((i) => `${id} ${i}`);
    case "greetClientStream":
      return [act === "enough" ? String(names[0]) : names.join(",")];
    case "greetStream":
      return act === "read" ? [] : act === "enough" ? names.slice(0, 1) : names;
  }
}

async function handlerIsThrough(made: Made, wrong: (what: string) => void): Promise<void> {
  const { plan } = made;
  plan.release.tell();
  if (plan.wasEntered && (await inTime(plan.finalised.promise)) === never)
    wrong(`${inWords(made)}: the handler's finally never ran`);
}

function inCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([what, n]) => `${n} ${what}`).join(", ");
}

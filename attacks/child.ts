// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Figures, OffenderReport, ServerReport } from "./attack.js";

/** The requests that each process takes, and its answers. */
export interface Requests {
  server: {
    open: { ask: { attack: string }; answer: number };
    begin: { ask: object; answer: null };
    report: { ask: object; answer: ServerReport };
    close: { ask: object; answer: null };
  };
  "good-client": {
    open: { ask: { port: number }; answer: null };
    measure: { ask: { ms: number }; answer: Figures };
    close: { ask: object; answer: null };
  };
  offender: { play: { ask: { attack: string; port: number; seconds: number }; answer: OffenderReport } };
}

interface Envelope {
  id: number;
  name: string;
  given: unknown;
}

interface Reply {
  id: number;
  value?: unknown;
  error?: string;
}

const running = new Set<ChildProcess>();
/** A process that an attack fills ends, before the machine does. */
const heapLimit = "--max-old-space-size=2048";
/** An answer that takes longer is a failure of the program. */
const answerWithinMs = 60_000;

/** A process of this program, which is asked over IPC. */
export class Child<Role extends keyof Requests> {
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, { done(value: unknown): void; failed(error: Error): void }>();
  private last = 0;

  constructor(role: Role) {
    const file = fileURLToPath(new URL(`./${role}.ts`, import.meta.url));
    this.process = fork(file, [], {
      execArgv: ["--expose-gc", heapLimit, "--conditions=@tristream/source", "--import", "tsx"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    running.add(this.process);
    this.process.on("message", (reply: Reply) => {
      const { done, failed } = this.waiting.get(reply.id)!;
      this.waiting.delete(reply.id);
      if (reply.error === undefined) done(reply.value);
      else failed(new Error(`the ${role} failed: ${reply.error}`));
    });
    this.process.once("exit", (code, signal) => {
      running.delete(this.process);
      for (const { failed } of this.waiting.values())
        failed(new Error(`the ${role}'s process ended (${signal ?? code})`));
      this.waiting.clear();
    });
  }

  ask<Name extends keyof Requests[Role] & string>(
    name: Name,
    given: Requests[Role][Name] extends { ask: infer Given } ? Given : never,
  ): Promise<Requests[Role][Name] extends { answer: infer Answer } ? Answer : never> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      if (!this.process.connected) {
        reject(new Error("the process has ended"));
        return;
      }
      const late = setTimeout(() => reject(new Error(`no answer to "${name}"`)), answerWithinMs);
      const settle = <T>(then: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(late);
          then(value);
        };
      };
      this.waiting.set(id, {
        // The other process answers this name with a value of this type.
        done: settle(resolve as (value: unknown) => void),
        failed: settle(reject),
      });
      this.process.send({ id, name, given } satisfies Envelope);
    });
  }

  kill(): void {
    this.process.kill("SIGKILL");
  }
}

/** Ends whatever this program has started. */
export function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Answers what this process is asked for. */
export function answer<Role extends keyof Requests>(
  handlers: {
    [Name in keyof Requests[Role]]: (
      given: Requests[Role][Name] extends { ask: infer Given } ? Given : never,
    ) => Promise<Requests[Role][Name] extends { answer: infer Answer } ? Answer : never>;
  },
): void {
  process.on("message", async ({ id, name, given }: Envelope) => {
    // The parent asks by the names of the same interface.
    const handler = handlers[name as keyof Requests[Role]] as (given: unknown) => Promise<unknown>;
    try {
      process.send!({ id, value: await handler(given) } satisfies Reply);
    } catch (error) {
      process.send!({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.once("disconnect", () => process.exit());
}

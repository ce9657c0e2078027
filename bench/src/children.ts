// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { childFolder } from "./build.js";
import type { PeerName } from "./load-peer.js";
import type { Duration, Measurement } from "./measure.js";
import type { Sample } from "./report.js";
import type { Scenario } from "./scenarios.js";
import type { ServerOrder, ServerReport } from "./server.js";

/** A child process whose lines are read one by one, and whose stderr is kept for the error message. */
class Child {
  readonly process: ChildProcess;
  readonly #script: string;
  #stderr = "";
  readonly #lines: AsyncIterator<string>;

  constructor(folder: URL, script: string, args: readonly string[], execArgv: string[] = []) {
    this.#script = script;
    // No execArgv: the orchestrator's loader and its condition for sources are not for what is measured.
    this.process = fork(fileURLToPath(new URL(script, folder)), args, {
      execArgv,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new Error("the child process has no pipes");
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Settles with the next line; throws with what the child had to say when there is none. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (!done) return value;
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, "exit");
    const { exitCode, signalCode } = this.process;
    throw new Error(`${this.#script} ended with ${signalCode ?? exitCode}:\n${this.#stderr}`);
  }

  /** Ends the process, if it is still there. */
  kill(): void {
    this.process.kill("SIGKILL");
  }
}

/** A message to a process that has just died is no error of its own: its missing answer is. */
function ignore(): void {}

/** Throws when `work` takes more than `seconds`. */
async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`nothing came for ${seconds} s: a message may be lost`)),
      seconds * 1000,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs the client against the server and compares what both have counted. */
async function converse(
  folder: URL,
  server: Child,
  clientArgs: readonly string[],
  clients: Child[],
): Promise<Measurement & ServerReport> {
  const ready = (await server.line()).split(" ");
  const [name, scenario, seconds, warmup] = clientArgs;
  const client = new Child(folder, "client.js", [name, scenario, ready[1], seconds, warmup].map(String));
  clients.push(client);
  client.process.on("message", (moment: ServerOrder) => server.process.send(moment, ignore));
  const measurement: Measurement = JSON.parse(await client.line());
  const reported = once(server.process, "message");
  server.process.send("stop" satisfies ServerOrder);
  const [report]: ServerReport[] = await reported;
  if (report?.received !== measurement.sent) {
    throw new Error(
      `the server has received ${report?.received} messages, the client has sent ${measurement.sent}`,
    );
  }
  return { ...measurement, ...report };
}

/** Measures one scenario with one peer, in two fresh processes of the children in `folder`. */
export async function measureOnce(
  round: number,
  scenario: Scenario,
  peer: PeerName,
  duration: Duration,
  folder: URL = childFolder(),
): Promise<Sample> {
  const what = `${scenario.name} with ${peer}`;
  // A warm-up may take ten times its length, and a machine in use slows everything.
  const limit = 30 + 5 * duration.seconds + 20 * duration.warmup;
  const children = [new Child(folder, "server.js", [peer])];
  try {
    const args = [peer, scenario.name, String(duration.seconds), String(duration.warmup)];
    // The array holds the server from the start.
    const result = await within(limit, converse(folder, children[0] as Child, args, children));
    const { operations, seconds, warm } = result;
    return {
      round,
      scenario: scenario.name,
      peer,
      operations,
      seconds,
      perSecond: operations / seconds,
      warm,
      clientCpuMicros: (result.clientCpuMs * 1000) / operations,
      serverCpuMicros: (result.serverCpuMs * 1000) / operations,
    };
  } catch (cause) {
    throw new Error(`${what} failed in round ${round}`, { cause });
  } finally {
    for (const child of children) child.kill();
  }
}

/** Measures the heap that an idle stream takes on each side, in bytes. */
export async function measureIdle(folder: URL): Promise<{ client: number; server: number }> {
  const children: Child[] = [];
  const start = (...args: string[]): Child => {
    const child = new Child(folder, "idle.js", args, ["--expose-gc"]);
    children.push(child);
    return child;
  };
  try {
    const server = start("server");
    const port = (await server.line()).split(" ")[1];
    const client = await within(120, start("client", String(port)).line());
    server.process.send("measure", ignore);
    return { client: Number(client), server: Number(await server.line()) };
  } finally {
    for (const child of children) child.kill();
  }
}

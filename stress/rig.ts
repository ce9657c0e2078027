// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  type Client,
  createClient,
  createTransport,
  type Logger,
  type ServerHandle,
  type ShutdownReport,
  serve,
} from "@tristream/node";
import { Calls } from "./call.js";
import { Census, resources } from "./census.js";
import { becomes } from "./events.js";
import { Plans } from "./plan.js";
import { Relay } from "./relay.js";

/** A server and a client in one process, over TCP and through a relay. */
export class Rig implements AsyncDisposable {
  readonly census: Census;
  readonly plans: Plans;
  readonly calls: Calls;
  readonly client: Client<typeof GreetService>;
  readonly relay: Relay;
  /** Errors that the server has logged. */
  readonly logged: string[] = [];
  server: ServerHandle;
  private readonly transport: ReturnType<typeof createTransport>;

  private constructor(census: Census, plans: Plans, server: ServerHandle, relay: Relay, logged: string[]) {
    this.census = census;
    this.plans = plans;
    this.server = server;
    this.relay = relay;
    this.logged = logged;
    this.transport = createTransport(`tri://127.0.0.1:${relay.port}`);
    this.client = createClient(GreetService, this.transport);
    this.calls = new Calls(this.client, census);
  }

  static async start(): Promise<Rig> {
    const census = new Census();
    const plans = new Plans(census);
    const logged: string[] = [];
    const server = await listen(plans, 0, logged);
    return new Rig(census, plans, server, await Relay.open(server.port), logged);
  }

  /** Shuts the server down and starts another one on its port. */
  async restart(graceMs: number): Promise<ShutdownReport> {
    const { port } = this.server;
    const report = await this.server.shutdown({ graceMs });
    this.server = await listen(this.plans, port, this.logged);
    return report;
  }

  /** The resources left when all calls are over, both ends still being connected; empty if there are none. */
  async left(): Promise<string[]> {
    const left: string[] = [];
    if (!(await becomes(() => this.server.activeCalls === 0)))
      left.push(`${this.server.activeCalls} calls of the server`);
    if (!(await becomes(() => this.relay.openStreams === 0)))
      left.push(`${this.relay.openStreams} streams on the wire`);
    // Kept by the harness, and for one part only.
    this.logged.length = 0;
    if (this.plans.size > 0) left.push(`${this.plans.size} plans of the harness`);
    // The last calls may be on the stack of something, or in a memo of the last of its kind.
    for (let i = 0; i < 20; i++) await this.client.greet({ name: "" }).catch(() => {});
    for (const [kind, n] of Object.entries(await this.census.left())) left.push(`${n} ${kind}`);
    return left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
    await this.server.shutdown({ graceMs: 0 });
    await this.relay.close();
  }
}

function listen(plans: Plans, port: number, logged: string[]): Promise<ServerHandle> {
  const logger: Logger = { error: (line) => logged.push(line), warn() {}, info() {}, debug() {} };
  return serve({
    host: "127.0.0.1",
    port,
    logger,
    // A client that leaves hundreds of calls at once is what this is about, and no attack.
    http2: { resetRate: { burst: 1_000_000, perSecond: 1_000_000 } },
    routes: (router) => router.service(GreetService, plans.handlers),
  });
}

/** The handles that keep the process alive beyond those of before, if any. */
export async function resourcesLeft(before: Record<string, number>): Promise<string[]> {
  const more = (): string[] =>
    Object.entries(resources())
      .filter(([kind, n]) => n > (before[kind] ?? 0))
      .map(([kind, n]) => `${n - (before[kind] ?? 0)} ${kind}`);
  await becomes(() => more().length === 0, 5000);
  return more();
}

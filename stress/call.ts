// SPDX-License-Identifier: Apache-2.0
import type { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { type CallOptions, type Client, Code, ConnectError, type ServerStream } from "@tristream/node";
import type { Census } from "./census.js";
import { turn } from "./events.js";
import type { Plan } from "./plan.js";

/** How a call's user ends it. */
export const endings = [
  /** Not at all: reads to the end. */
  "none",
  "break",
  "throw in the loop",
  "return()",
  "cancel()",
  "dispose",
  "signal",
  "deadline",
  "requests that throw",
] as const;
export type Ending = (typeof endings)[number];

/** How a call ended for its user. `left`: its user left it, and has no outcome. */
export interface Outcome {
  readonly is: "ok" | "left" | Code;
  readonly error: ConnectError | undefined;
  /** Answers that had come. */
  readonly answers: readonly string[];
}

/** The options of a call. */
export interface Made {
  readonly plan: Plan;
  readonly ending: Ending;
  readonly timeoutMs?: number;
  /** Requests of a stream. */
  readonly requests?: number;
  /** The requests do not end by themselves: for a handler that does not read them all. */
  readonly open?: boolean;
  /** When the user leaves, by any ending but a deadline. */
  readonly leaveAfter?: PromiseLike<unknown>;
}

const mine = new Error("mine");
const leavesItsLoop: ReadonlySet<Ending> = new Set(["break", "throw in the loop"]);

/** Makes calls, and counts what they are made of. */
export class Calls {
  private readonly client: Client<typeof GreetService>;
  private readonly census: Census;

  constructor(client: Client<typeof GreetService>, census: Census) {
    this.client = client;
    this.census = census;
  }

  /** Makes a call, brings it to its end, and returns its outcome. Rejects only with values that are not `ConnectError`s. */
  async make(made: Made): Promise<Outcome> {
    const answers: string[] = [];
    try {
      const left = await this.run(made, answers);
      return { is: left ? "left" : "ok", error: undefined, answers };
    } catch (error) {
      if (error === mine) return { is: "left", error: undefined, answers };
      if (!(error instanceof ConnectError))
        throw new Error(`a call of ${made.plan.method} rejects with ${String(error)}`, { cause: error });
      return { is: error.code, error, answers };
    }
  }

  private run(made: Made, answers: string[]): Promise<boolean> {
    switch (made.plan.method) {
      case "greet":
        return this.unary(made, answers);
      case "greetServerStream":
        return this.serverStream(made, answers);
      case "greetClientStream":
        return this.upload(made, answers);
      case "greetStream":
        return this.chat(made, answers);
    }
  }

  private options(made: Made): { readonly options: CallOptions; readonly abort: AbortController } {
    const abort = new AbortController();
    if (made.ending === "signal") {
      this.census.track("clients' signals", abort.signal);
      void when(made).then(() => abort.abort());
    }
    return {
      abort,
      options: {
        headers: { "x-plan": made.plan.id },
        ...(made.ending === "signal" ? { signal: abort.signal } : {}),
        ...(made.timeoutMs === undefined ? {} : { timeoutMs: made.timeoutMs }),
      },
    };
  }

  private async unary(made: Made, answers: string[]): Promise<boolean> {
    const reply = await this.client.greet({ name: made.plan.id }, this.options(made).options);
    answers.push(reply.greeting);
    return false;
  }

  private async serverStream(made: Made, answers: string[]): Promise<boolean> {
    const stream = this.client.greetServerStream({ name: made.plan.id }, this.options(made).options);
    return await this.read(this.census.track("clients' handles", stream), made, answers);
  }

  private async upload(made: Made, answers: string[]): Promise<boolean> {
    const { options } = this.options(made);
    if (made.ending === "cancel()" || made.ending === "dispose") {
      const upload = this.census.track("clients' handles", this.client.greetClientStream(options));
      for (const name of names(made)) await upload.send({ name });
      await when(made);
      if (made.ending === "cancel()") upload.cancel();
      else await upload[Symbol.asyncDispose]();
      return true;
    }
    const reply = await this.client.greetClientStream(this.source(made), options);
    answers.push(reply.greeting);
    return false;
  }

  private async chat(made: Made, answers: string[]): Promise<boolean> {
    const { options } = this.options(made);
    const stream = this.client.greetStream(this.source(made), options);
    return await this.read(this.census.track("clients' handles", stream), made, answers);
  }

  private async read(
    stream: ServerStream<{ greeting: string }>,
    made: Made,
    answers: string[],
  ): Promise<boolean> {
    const { ending } = made;
    if (ending === "cancel()" || ending === "dispose" || ending === "return()") {
      const first = await stream.receive();
      if (first !== undefined) answers.push(first.greeting);
      await when(made);
      if (ending === "cancel()") stream.cancel("enough");
      else if (ending === "dispose") await stream[Symbol.asyncDispose]();
      else await stream.return();
      return true;
    }
    if (made.plan.act === "flood" && !leavesItsLoop.has(ending)) {
      // No read follows, so that the handler waits for room; the call ends otherwise.
      const first = await stream.receive();
      if (first !== undefined) answers.push(first.greeting);
      await stream.responseTrailer;
      return false;
    }
    for await (const { greeting } of stream) {
      answers.push(greeting);
      if (ending !== "break" && ending !== "throw in the loop") continue;
      await when(made);
      if (ending === "throw in the loop") throw mine;
      return true;
    }
    return false;
  }

  /** The requests: so many, and then the end, an error, or nothing, as the ending is. */
  private source(made: Made): AsyncGenerator<{ name: string }> {
    const source = async function* () {
      for (const name of names(made)) yield { name };
      if (made.ending === "requests that throw") {
        await when(made);
        throw new ConnectError("the disk is broken", Code.DataLoss);
      }
      // A request that is to be left, or whose time is to pass, does not end by itself.
      if (made.ending !== "none" || made.open === true) await made.plan.release.promise;
    };
    return this.census.track("clients' generators", source());
  }
}

function* names({ plan, requests = 2 }: Made): Generator<string> {
  for (let i = 0; i < requests; i++) yield `${plan.id}: ${i}`;
}

async function when({ leaveAfter }: Made): Promise<void> {
  if (leaveAfter === undefined) await turn();
  else await leaveAfter;
}

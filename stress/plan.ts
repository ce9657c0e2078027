// SPDX-License-Identifier: Apache-2.0
import type { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, type TripleContext, type TripleServiceImpl } from "@tristream/node";
import type { Census } from "./census.js";
import { fired, Happening } from "./events.js";

/** The four kinds of method. */
export const methods = ["greet", "greetServerStream", "greetClientStream", "greetStream"] as const;
export type Method = (typeof methods)[number];

/** The actions of a handler. */
export type Act =
  /** Answers what it gets: as it comes, or three times for a server stream. */
  | "echo"
  /** Answers once if it can, then waits for the signal. */
  | "wait"
  /** Answers once if it can, then waits for {@link Plan.release}, whatever its signal says. */
  | "ignore"
  /** Throws a `ConnectError` with code Aborted after the first message. */
  | "refuse"
  /** Throws an unexpected error after the first message. */
  | "crash"
  /** Answers large messages without end. */
  | "flood"
  /** Reads one request and answers. */
  | "enough"
  /** Reads all requests, then answers. */
  | "read";

let lastId = 0;

/** One call as both ends know it: in one process, so that the harness can wait for what a handler saw. */
export class Plan {
  readonly id: string;
  readonly act: Act;
  readonly method: Method;
  /** The handler was called. */
  readonly entered: Happening<void> = new Happening();
  /** The reason of its signal. */
  readonly signal: Happening<unknown> = new Happening();
  /** Its `finally` has run. */
  readonly finalised: Happening<void> = new Happening();
  /** How reading its requests ended: "complete", or an error. */
  readonly read: Happening<unknown> = new Happening();
  /** Lets go a handler that ignores its signal. */
  readonly release: Happening<void> = new Happening();
  wasEntered = false;
  wasFinalised = false;
  /** It is not needed any more. */
  over = false;
  /** Messages that it has given. */
  produced = 0;
  /** Requests that it has got. */
  got = 0;

  constructor(method: Method, act: Act) {
    this.id = `call ${++lastId}`;
    this.method = method;
    this.act = act;
  }
}

/** A handler's unexpected error. No client may see its text. */
export const secret = "the password is hunter2";

const large = "x".repeat(32_768);

/** The plans of the calls that run, by their ids, which are the names in the requests. */
export class Plans {
  private readonly byId = new Map<string, Plan>();
  private readonly census: Census;

  constructor(census: Census) {
    this.census = census;
  }

  /** Plans that are not over. */
  get size(): number {
    return this.byId.size;
  }

  add(method: Method, act: Act): Plan {
    const plan = new Plan(method, act);
    this.byId.set(plan.id, plan);
    return plan;
  }

  delete(plan: Plan): void {
    plan.over = true;
    plan.release.tell();
    this.byId.delete(plan.id);
  }

  /** Handlers that do what the plan says. The id comes in the first message, or in a header where there may be none. */
  readonly handlers: TripleServiceImpl<typeof GreetService> = {
    greet: async (request, context) => {
      const plan = this.enter(context, request.name);
      if (plan === undefined) return { greeting: request.name };
      try {
        await this.between(plan, context);
        return { greeting: request.name };
      } finally {
        this.leave(plan);
      }
    },
    greetServerStream: (request, context) => {
      const plan = this.enter(context, request.name);
      return this.census.track("handlers' generators", this.answer(plan, request.name, context));
    },
    greetClientStream: async (requests, context) => {
      const plan = this.enter(context);
      this.census.track("handlers' requests", requests);
      try {
        const names: string[] = [];
        for await (const name of this.names(plan, requests)) {
          names.push(name);
          if (plan?.act === "enough") break;
          if (plan !== undefined && plan.act !== "echo" && plan.act !== "read")
            await this.between(plan, context);
        }
        return { greeting: names.join(",") };
      } finally {
        if (plan !== undefined) this.leave(plan);
      }
    },
    greetStream: (requests, context) => {
      const plan = this.enter(context);
      this.census.track("handlers' requests", requests);
      return this.census.track("handlers' generators", this.chat(plan, requests, context));
    },
  };

  private enter(context: TripleContext, id = context.requestHeader.get("x-plan") ?? ""): Plan | undefined {
    const plan = this.byId.get(id);
    this.census.track("handlers' contexts", context);
    if (plan === undefined) return undefined;
    plan.wasEntered = true;
    // Not for all: a signal that was read is another way through the engine.
    if (plan.act !== "echo") void fired(context.signal).then((reason) => plan.signal.tell(reason));
    plan.entered.tell();
    return plan;
  }

  private leave(plan: Plan): void {
    plan.wasFinalised = true;
    plan.finalised.tell();
  }

  private async *answer(plan: Plan | undefined, name: string, context: TripleContext) {
    try {
      for (let i = 0; i < 3; i++) {
        yield { greeting: `${name} ${i}` };
        if (plan !== undefined) plan.produced++;
        if (plan !== undefined && plan.act !== "echo") await this.between(plan, context);
        if (plan?.act === "flood") yield* this.flood(plan);
      }
    } finally {
      if (plan !== undefined) this.leave(plan);
    }
  }

  private async *chat(
    plan: Plan | undefined,
    requests: AsyncIterable<{ name: string }>,
    context: TripleContext,
  ) {
    try {
      if (plan?.act === "flood") yield* this.flood(plan);
      for await (const name of this.names(plan, requests)) {
        if (plan?.act === "read") continue;
        yield { greeting: name };
        if (plan?.act === "enough") return;
        if (plan !== undefined && plan.act !== "echo") await this.between(plan, context);
      }
    } finally {
      if (plan !== undefined) this.leave(plan);
    }
  }

  private *flood(plan: Plan) {
    for (;;) {
      plan.produced++;
      yield { greeting: large };
    }
  }

  private async *names(plan: Plan | undefined, requests: AsyncIterable<{ name: string }>) {
    try {
      for await (const { name } of requests) {
        if (plan !== undefined) plan.got++;
        yield name;
      }
      plan?.read.tell("complete");
    } catch (error) {
      plan?.read.tell(error);
      throw error;
    }
  }

  private async between(plan: Plan, context: TripleContext): Promise<void> {
    if (plan.act === "refuse") throw new ConnectError("as planned", Code.Aborted);
    if (plan.act === "crash") throw new TypeError(secret);
    if (plan.act === "wait") throw await fired(context.signal);
    if (plan.act === "ignore") await plan.release.promise;
  }
}

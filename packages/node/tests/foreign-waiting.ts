// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import {
  type Failure,
  failureOf,
  fired,
  type GreetClient,
  type Handlers,
  Later,
  Refusal,
  type ServedCall,
} from "./foreign-greet.js";

/** The end of its call as a handler saw it. */
export interface Seen {
  /** A handler was called. */
  readonly entered: boolean;
  /** The call has reached its handler, and its first message. */
  readonly begun: Promise<void>;
  /** The signal has fired. */
  readonly signalled: Promise<unknown>;
  /** How reading the request ended. */
  readonly requestEnd: Promise<"clean" | "error">;
}

/**
 * What a handler ends with whose signal has fired. At a deadline the server's timer may be ahead of the client's: then
 * an answer that looks complete would be the outcome, with every library.
 */
const late = (): Refusal => new Refusal(Code.DeadlineExceeded, "the handler saw its signal");

/** Handlers that answer the first message and then wait for whatever ends the call. */
export function waiting(): { handlers: Handlers; seen: Seen } {
  const begun = new Later<void>();
  const signalled = new Later<unknown>();
  const requestEnd = new Later<"clean" | "error">();
  let entered = false;
  const watch = ({ signal }: ServedCall): Promise<void> => {
    entered = true;
    return fired(signal).then(signalled.resolve);
  };
  const read = async (names: AsyncIterable<string>): Promise<void> => {
    try {
      for await (const _name of names) begun.resolve();
      requestEnd.resolve("clean");
    } catch (error) {
      requestEnd.resolve("error");
      throw error;
    }
  };
  const handlers: Handlers = {
    async unary(_name, call) {
      begun.resolve();
      await watch(call);
      throw late();
    },
    async *serverStream(name, call) {
      const end = watch(call);
      begun.resolve();
      yield name;
      await end;
      throw late();
    },
    async clientStream(names, call) {
      void watch(call);
      await read(names);
      return "complete";
    },
    async *bidi(names, call) {
      void watch(call);
      yield "welcome";
      await read(names);
      yield "complete";
    },
  };
  const seen: Seen = {
    get entered() {
      return entered;
    },
    begun: begun.promise,
    signalled: signalled.promise,
    requestEnd: requestEnd.promise,
  };
  return { handlers, seen };
}

/**
 * Calls with a deadline until one reaches its handler before that passes, which the first one may not do on a busy
 * machine. All have to fail at their deadline; returns how the last one did.
 */
export async function pastDeadline(
  client: GreetClient,
  seen: Seen,
  call: (timeoutMs: number) => Promise<unknown>,
): Promise<Failure> {
  for (let timeoutMs = 50; ; timeoutMs *= 2) {
    const failure = await failureOf(client, call(timeoutMs));
    if (failure.code !== Code.DeadlineExceeded || seen.entered) return failure;
  }
}

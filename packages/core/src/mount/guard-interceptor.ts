// SPDX-License-Identifier: Apache-2.0
import { ConnectError, createContextKey, type Interceptor, type StreamRequest } from "@connectrpc/connect";
import { formatStatusDetails } from "../connect-private.js";
import { type Direction, Observations } from "../engine/call/observations.js";
import { type CallHooks, type ObservedCall, observedKey } from "../engine/call/observe.js";
import { copyViews } from "../engine/message/copy-views.js";
import { replayable } from "../engine/message/replayable.js";
import type { ServerLog } from "../log/server-log.js";
import { thrownConnectError } from "../log/thrown.js";
import { HandlerRuns } from "../server/call/handler-runs.js";
import { GuardedIterator } from "./guarded-iterator.js";
import { HeldMessage } from "./message-memory.js";
import { reasonOf, unlessAborted } from "./unless-aborted.js";

/**
 * The outermost interceptor of calls that Connect's machinery serves. The interceptor keeps the engine's promises for
 * them. When the call ends, by its client, its deadline or its connection:
 *
 * - a pending read of requests rejects,
 * - a generator that is blocked at a `yield` is returned and runs its `finally`,
 * - the caller gets its answer, whatever handler and interceptors await.
 *
 * A thrown value that is not a `ConnectError` is logged, with an id that the client sees. The messages that handlers take count in the
 * memory of the process, see `maxHeldBytes`.
 */
export function guardInterceptor(log: ServerLog, maxHeldBytes: number): Interceptor {
  return (next) => async (req) => {
    const { signal } = req;
    const call = { method: `${req.service.typeName}/${req.method.name}`, peer: "unknown" };
    const failure = (error: unknown): ConnectError => {
      // The call had ended before the handler threw, so the signal's reason is the outcome.
      if (signal.aborted) return reasonOf(signal);
      const known = thrownConnectError(error);
      return known === null ? log.unexpected(call, error) : sendable(known);
    };
    const held = new HeldMessage(maxHeldBytes);
    const observed = new MountedCall(call.method);
    try {
      if (!req.stream) {
        copyViews(req.message);
        held.take(req.message);
        observed.input = req.message;
        const run = next({ ...req, [observedKey]: observed } as typeof req);
        run.then(held.end, held.end);
        const res = await unlessAborted(run, signal);
        observed.message(res.message, "response");
        observed.end(null);
        return res;
      }
      signal.addEventListener("abort", held.end, { once: true });
      const received = (message: unknown): void => {
        copyViews(message);
        held.take(message);
        observed.message(message, "request");
      };
      const uploads = req.method.methodKind !== "server_streaming";
      // The handler of one request has that to its end.
      const asked = uploads ? held.giveBack : undefined;
      const message = new GuardedIterator(req.message, signal, { lateEnd: uploads, asked, taken: received });
      const guarded = { ...req, message: forRuns(req, message) as never, [observedKey]: observed };
      const res = await unlessAborted(next(guarded), signal);
      if (!res.stream) return res;
      const taken = (message: unknown): void => observed.message(message, "response");
      const ended = (error: unknown): void => observed.end(error);
      return {
        ...res,
        message: new GuardedIterator(res.message, signal, { own: true, taken, ended, failure }),
      };
    } catch (error) {
      const failed = failure(error);
      observed.end(failed);
      throw failed;
    }
  };
}

/** A call under an adapter, as far as interceptors observe it. */
class MountedCall implements ObservedCall {
  readonly peer = undefined;
  /** The request of a unary call. */
  input: unknown = undefined;
  private readonly name: string;
  private observations: Observations | null = null;

  constructor(name: string) {
    this.name = name;
  }

  /** @inheritdoc */
  observe(hooks: CallHooks): void {
    this.observations ??= new Observations(this.name);
    this.observations.add(hooks, this.input);
  }

  /** Tells a message that passes. */
  message(message: unknown, direction: Direction): void {
    this.observations?.message(message, direction);
  }

  /** Tells the end. `error`: null if the call ended well. */
  end(error: unknown): void {
    const { observations } = this;
    if (observations === null) return;
    const { request, response } = observations.told;
    const requests = this.input === undefined ? request : 1;
    observations.end(error === null ? null : ConnectError.from(error), requests, response);
  }
}

/** The requests for interceptors: one run of the handler has all of them, another run's loop throws. */
function forRuns(req: StreamRequest, messages: GuardedIterator<unknown>): AsyncIterable<unknown> {
  if (req.method.methodKind === "server_streaming") {
    let few: Promise<unknown[]> | null = null;
    return replayable(async function* () {
      few ??= firstTwo(messages);
      yield* await few;
    });
  }
  const runs = new HandlerRuns(messages, `${req.service.typeName}/${req.method.name}`);
  req.contextValues.set(handlerRuns, runs);
  return runs;
}

/** One message, or two: for the second one Connect reports the error. */
async function firstTwo(messages: AsyncIterable<unknown>): Promise<unknown[]> {
  const few: unknown[] = [];
  for await (const message of messages) if (few.push(message) === 2) break;
  return few;
}

/** The runs of the handler of a call that Connect's machinery serves. */
const handlerRuns = createContextKey<HandlerRuns | null>(null);

/** The innermost interceptor of such calls: one run of the handler has all requests, another run's loop throws. */
export const countRuns: Interceptor = (next) => (req) => {
  const runs = req.contextValues.get(handlerRuns);
  return req.stream && runs !== null
    ? next({ ...req, message: runs.begin(req.message) as never })
    : next(req);
};

/**
 * The error, as far as Connect can send it: U+FFFD for lone surrogates in its text, and no details if one can't be
 * serialised. Connect fails on these while it answers, and then there is no answer at all.
 */
function sendable(error: ConnectError): ConnectError {
  const text = error.rawMessage.replace(/\p{Surrogate}/gu, "\ufffd");
  const details = error.details.length > 0 && formatStatusDetails(error) === undefined ? [] : error.details;
  if (text === error.rawMessage && details === error.details) return error;
  const replaced = new ConnectError(text, error.code, error.metadata, undefined, error);
  replaced.details = details;
  return replaced;
}

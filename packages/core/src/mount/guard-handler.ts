// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "../connect-private.js";
import { type AsyncContext, captureContext } from "../runtime/async-context.js";
import { systemClock } from "../runtime/clock.js";
import type { ErrorAnswer } from "./error-answer.js";
import { GuardedIterator } from "./guarded-iterator.js";
import { RequestBody } from "./request-body.js";
import { requestTimeout } from "./request-timeout.js";
import { leaveOutUnsendable } from "./sendable-headers.js";

type UniversalServerResponse = Awaited<ReturnType<UniversalHandler>>;
type Handle = (req: UniversalServerRequest) => Promise<UniversalServerResponse>;

/**
 * Puts a handler of Connect's under an adapter so that the handler always hears of the call's end: by one signal whose reason is
 * the same with every adapter and version of HTTP, by reads of the body that reject, and by `return()` of the answer that
 * the adapter no longer takes. Stock adapters wait for room that never comes, and no `finally` runs.
 *
 * Each answer has an end that says how the call ended. When Connect can't write its own, as after a failed compression,
 * `errorAnswer` writes it.
 */
export function guardHandler(handler: UniversalHandler, errorAnswer: ErrorAnswer): Handle {
  const name = `${handler.service.typeName}/${handler.method.name}`;
  return async (req) => {
    const call = new MountedCall(req, name, errorAnswer);
    try {
      return call.answer(await handler(call.request));
    } catch (error) {
      return call.answer(await call.errorAnswer(error));
    }
  };
}

type Body = AsyncIterator<Uint8Array>;

/** One call under an adapter. */
class MountedCall {
  /** The request that Connect's handler gets. */
  readonly request: UniversalServerRequest;
  private readonly adapter: AbortSignal;
  private readonly body: RequestBody | null;
  private readonly name: string;
  private readonly answerWith: ErrorAnswer;
  private readonly ending = new AbortController();
  /** The adapter's context when the request came: events that end the call run in other contexts. */
  private readonly context: AsyncContext = captureContext();
  private cancelTimer: (() => void) | null = null;
  private left = false;
  /** The answer while the adapter has a chunk of it, and no read is pending. */
  private idle: Body | null = null;

  constructor(req: UniversalServerRequest, name: string, errorAnswer: ErrorAnswer) {
    this.name = name;
    const { signal } = this.ending;
    const { timeoutMs, header } = requestTimeout(req.header);
    this.body = isByteStream(req.body) ? new RequestBody(req.body) : null;
    this.answerWith = errorAnswer;
    const body =
      this.body === null
        ? req.body
        : new GuardedIterator(this.body, signal, { failure: (error) => this.lost(error) });
    this.request = { ...req, header, body, signal };
    this.adapter = req.signal;
    if (timeoutMs !== undefined) {
      // Connect's own timer runs as long, and starts later; this one also ends a call whose message has not arrived.
      this.cancelTimer = systemClock.after(timeoutMs, () => {
        const text = `the deadline of ${timeoutMs} ms that the client sent (the rest of its timeoutMs) passed in ${name}, at the server; raise timeoutMs if that is too short`;
        this.end(new ConnectError(text, Code.DeadlineExceeded));
      });
    }
    if (this.adapter.aborted) this.leave();
    else this.adapter.addEventListener("abort", this.leave);
  }

  /** The answer as the adapter gets it. */
  answer(res: UniversalServerResponse): UniversalServerResponse {
    if (res.body === undefined) {
      this.finish();
      return res;
    }
    const body = res.body[Symbol.asyncIterator]();
    if (res.header !== undefined) leaveOutUnsendable(res.header);
    this.idle = body;
    if (this.left) this.leave();
    const given: AsyncIterableIterator<Uint8Array> = {
      next: () => this.nextChunk(body, res.trailer),
      return: (value?: unknown) => {
        this.finish();
        return body.return?.(value) ?? Promise.resolve({ done: true, value });
      },
      throw: (error: unknown) => {
        // The adapter can't write: it may know before its signal fires that the client has left.
        const reason = this.lost(error);
        this.finish();
        return body.throw?.(reason) ?? Promise.reject(reason);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    return { ...res, body: given };
  }

  /** The call is over: no timer and no listener stays. */
  finish(): void {
    this.idle = null;
    this.cancelTimer?.();
    this.adapter.removeEventListener("abort", this.leave);
    this.body?.answered();
  }

  /** The answer of a call whose own answer can't be written because of an error. */
  errorAnswer(error: unknown): Promise<UniversalServerResponse> {
    // Other errors of the application were logged where they were thrown.
    const visible = error instanceof ConnectError ? error : new ConnectError("internal error", Code.Internal);
    return this.answerWith(this.request, visible);
  }

  private async nextChunk(body: Body, trailer: Headers | undefined): Promise<IteratorResult<Uint8Array>> {
    this.idle = null;
    try {
      const result = await body.next();
      if (result.done === true) {
        this.finish();
        if (trailer !== undefined) leaveOutUnsendable(trailer);
      } else this.idle = body;
      if (!this.left || result.done === true) return result;
      this.leave();
      return { done: true, value: undefined };
    } catch (error) {
      this.finish();
      if (this.left) throw error;
      return this.endWith(error, trailer);
    }
  }

  /** Ends an answer that has begun and can't be continued. */
  private async endWith(error: unknown, trailer: Headers | undefined): Promise<IteratorResult<Uint8Array>> {
    const end = await this.errorAnswer(error);
    if (trailer !== undefined) end.trailer?.forEach((value, name) => void trailer.set(name, value));
    const chunks: Uint8Array[] = [];
    for await (const chunk of end.body ?? []) chunks.push(chunk);
    return chunks.length === 0 ? { done: true, value: undefined } : { done: false, value: joined(chunks) };
  }

  /** The client has left, or its connection is lost: adapters don't distinguish the two. */
  private readonly leave = (): void => {
    this.left = true;
    this.end(leaving(this.name, this.adapter.reason));
    const { idle } = this;
    this.finish();
    // Not earlier: until now the client could have taken the cut answer for a complete one.
    if (idle?.return !== undefined) this.context.runInAsyncScope(idle.return, idle).catch(() => {});
  };

  private end(reason: ConnectError): void {
    this.context.runInAsyncScope(this.ending.abort, this.ending, reason);
  }

  /** A body that can't be read to its end, or an answer that can't be written: the client has left. */
  private lost(error: unknown): ConnectError {
    if (error instanceof ConnectError) return error;
    const reason = leaving(this.name, error);
    this.end(reason);
    return reason;
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function leaving(name: string, cause: unknown): ConnectError {
  const detail = cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";
  return new ConnectError(
    `the client of ${name} left or its connection was lost${detail}`,
    Code.Canceled,
    undefined,
    undefined,
    cause,
  );
}

function isByteStream(body: UniversalServerRequest["body"]): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

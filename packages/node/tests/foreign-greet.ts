// SPDX-License-Identifier: Apache-2.0
// The greet service as every library sees it: what the tests of foreign peers say once, in terms of no library.

/** Text, or bytes for a name that ends in `-bin`. */
export type Metadata = Readonly<Record<string, string | Uint8Array>>;

export interface Selector {
  readonly group: string;
  readonly version: string;
}

/** The options of a client. */
export interface ClientSettings {
  /** Group and version to ask for. */
  readonly selector?: Selector;
  /** Compress requests by gzip, if the library can. */
  readonly compress?: boolean;
}

/** The options of a server. */
export interface ServerSettings {
  /** Group and version that ours serves; a foreign server knows no such thing. */
  readonly selector?: Selector;
  /** Compress responses by gzip, if the library can. */
  readonly compress?: boolean;
}

/** The options of a call. */
export interface CallSettings {
  readonly headers?: Metadata;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly onHeader?: (header: Metadata) => void;
  readonly onTrailer?: (trailer: Metadata) => void;
}

/** A client of any library. */
export interface GreetClient extends AsyncDisposable {
  unary(name: string, call?: CallSettings): Promise<string>;
  serverStream(name: string, call?: CallSettings): AsyncIterable<string>;
  clientStream(names: AsyncIterable<string>, call?: CallSettings): Promise<string>;
  bidi(names: AsyncIterable<string>, call?: CallSettings): AsyncIterable<string>;
  /** The parts of a library's error. */
  failure(error: unknown): Failure;
}

/** An error in terms of gRPC. Metadata is undefined where the library does not put it on its errors. */
export interface Failure {
  readonly code: number;
  readonly text: string;
  readonly metadata: Metadata | undefined;
}

/** A handler's view of its call, in every library. */
export interface ServedCall {
  readonly headers: Metadata;
  /** Fires when the client has cancelled, and at the deadline. */
  readonly signal: AbortSignal;
  /** The client's end of the connection. */
  readonly peer: string;
  setHeader(name: string, value: string | Uint8Array): void;
  setTrailer(name: string, value: string | Uint8Array): void;
}

/** Handlers of the kinds that a server has; the others are not registered with it at all. */
export interface Handlers {
  unary?(name: string, call: ServedCall): Promise<string>;
  serverStream?(name: string, call: ServedCall): AsyncIterable<string>;
  clientStream?(names: AsyncIterable<string>, call: ServedCall): Promise<string>;
  bidi?(names: AsyncIterable<string>, call: ServedCall): AsyncIterable<string>;
}

/** A server that listens on 127.0.0.1. */
export interface GreetServer extends AsyncDisposable {
  readonly port: number;
  /** Ours: stops in order, and returns how many calls finished and were cut. */
  stop?(): Promise<{ finished: number; cut: number }>;
}

/** The error that a handler throws to end with a status. */
export class Refusal extends Error {
  readonly code: number;
  readonly metadata: Metadata;

  constructor(code: number, text: string, metadata: Metadata = {}) {
    super(text);
    this.code = code;
    this.metadata = metadata;
  }
}

/** An async iterable that is filled by hand, or by the events of a stream. */
export class Mailbox<T> implements AsyncIterableIterator<T> {
  /** Its reader has left it before its end. */
  left = false;
  private readonly items: T[] = [];
  private wake: (() => void) | null = null;
  private ended = false;
  private error: unknown;

  constructor(...items: T[]) {
    this.items.push(...items);
  }

  put(item: T): void {
    this.items.push(item);
    this.wake?.();
  }

  /** The first end counts. */
  end(error?: unknown): void {
    if (!this.ended) this.error = error;
    this.ended = true;
    this.wake?.();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.items.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.items.length > 0) return { done: false, value: this.items.shift() as T };
    if (this.error !== undefined) throw this.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.left = true;
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A promise and its two ends. */
export class Later<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Settles when a signal has fired, with its reason. */
export function fired(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}

/** An iterable of changed items; leaving it leaves the source. The source is begun at once, as a call is. */
export function mapped<A, B>(source: AsyncIterable<A>, change: (item: A) => B): AsyncIterable<B> {
  const iterator = source[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const result = await iterator.next();
        return result.done === true ? result : { done: false, value: change(result.value) };
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
      // connect-es takes no request stream without it.
      async throw(error) {
        await iterator.return?.();
        throw error;
      },
    }),
  };
}

/** Everything of a stream. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** The items one by one, as an application's generator gives them. */
export async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** How a call failed; an error when it did not. */
export async function failureOf(client: GreetClient, outcome: Promise<unknown>): Promise<Failure> {
  try {
    await outcome;
  } catch (error) {
    return client.failure(error);
  }
  throw new Error("the call did not fail");
}

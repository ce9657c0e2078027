// SPDX-License-Identifier: Apache-2.0

/** A request of the greet service. */
export interface Named {
  readonly name: string;
}

/** A response of the greet service. */
export interface Greeting {
  readonly greeting: string;
}

/** Handlers as three of the four libraries take them; those of grpc-js are wrapped. A missing one is not called. */
export interface Handlers {
  greet?(request: Named): Promise<Greeting>;
  greetServerStream?(request: Named): AsyncGenerator<Greeting>;
  greetClientStream?(requests: AsyncIterable<Named>): Promise<Greeting>;
  greetStream?(requests: AsyncIterable<Named>): AsyncGenerator<Greeting>;
}

/** The options of calls. */
export interface CallSettings {
  readonly signal?: AbortSignal;
  /** Only calls with one answer have it. */
  readonly timeoutMs?: number;
}

/** A client, in the form that three of the four libraries give it. */
export interface Caller {
  greet(request: Named, settings?: CallSettings): Promise<Greeting>;
  greetServerStream(request: Named, settings?: CallSettings): AsyncIterable<Greeting>;
  greetClientStream(requests: AsyncIterable<Named>, settings?: CallSettings): Promise<Greeting>;
  greetStream(requests: AsyncIterable<Named>, settings?: CallSettings): AsyncIterable<Greeting>;
  /** Closes its connection, whatever runs on it. */
  close(): Promise<void>;
}

/** A server on 127.0.0.1. */
export interface Served {
  readonly port: number;
  /** The library's way to stop in order. A library that has a time for it is given `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** The library's way to stop at once, whatever runs. */
  cut(): Promise<void>;
}

/** One library, both ends. */
export interface Library {
  readonly name: string;
  serve(handlers: Handlers): Promise<Served>;
  connect(port: number): Caller;
  /** The error that a handler throws to answer with a status. */
  failure(code: number, text: string): Error;
  /** The code and the text of an error that a call ended with. */
  read(error: unknown): { readonly code: number | undefined; readonly text: string };
}

/** The libraries, in the order of the table's columns. */
export const libraryNames = ["tristream", "connect-es", "grpc-js", "nice-grpc"] as const;

export type LibraryName = (typeof libraryNames)[number];

/** Loads one. Not at once with the others, so that a child process has nothing in it but what it serves. */
export async function loadLibrary(name: LibraryName): Promise<Library> {
  const loaded = (await import(`./libraries/${name}.js`)) as { library: Library };
  return loaded.library;
}

// SPDX-License-Identifier: Apache-2.0
import { Code } from "@connectrpc/connect";
import type { Caller, CallSettings, Handlers, Library, Served } from "./library.js";
import { never, withinLimit } from "./limits.js";
import { type Tap, tapStreams } from "./tap.js";

/** The observation of one library in one situation. */
export interface Observation {
  readonly good: boolean;
  /** In a few words: a cell of the table. */
  readonly saw: string;
}

/** One row of the table. */
export interface Situation {
  /** The situation, as the row's title. */
  readonly when: string;
  /** The observation that makes a cell good. */
  readonly goodIf: string;
  observe(library: Library): Promise<Observation>;
}

/** Both ends of a library, with a tap between them. `await using` ends all of it, whatever still runs. */
export interface Ends extends AsyncDisposable {
  readonly client: Caller;
  readonly server: Served;
  readonly tap: Tap;
}

/** Starts both ends. */
export async function open(library: Library, handlers: Handlers): Promise<Ends> {
  const server = await library.serve(handlers);
  const tap = await tapStreams(server.port);
  const client = library.connect(tap.port);
  return {
    client,
    server,
    tap,
    async [Symbol.asyncDispose]() {
      await withinLimit(client.close());
      await tap[Symbol.asyncDispose]();
      await withinLimit(server.cut());
    },
  };
}

/** How a call ended. `text` is without what differs from run to run. */
export type Outcome =
  | { readonly is: "reply" }
  | { readonly is: "error"; readonly code: number | undefined; readonly text: string }
  | { readonly is: "never" };

/** How a call ends within the limit. */
export async function outcomeOf(library: Library, call: Promise<unknown>): Promise<Outcome> {
  const settled = call.then(
    (): Outcome => ({ is: "reply" }),
    (error): Outcome => {
      const { code, text } = library.read(error);
      return { is: "error", code, text: stable(text) };
    },
  );
  const outcome = await withinLimit(settled);
  return outcome === never ? { is: "never" } : outcome;
}

/** An outcome in words. */
export function inWords(outcome: Outcome): string {
  if (outcome.is === "never") return "never settles";
  if (outcome.is === "reply") return "an answer";
  return codeName(outcome.code);
}

/** The name of a code. */
export function codeName(code: number | undefined): string {
  return code === undefined ? "an error without a code" : `\`${Code[code] ?? code}\``;
}

/** A text as a cell shows it. */
export function quoted(text: string): string {
  return `“${text.replaceAll("|", "\\|").replaceAll("\n", " ")}”`;
}

/** Everything of a stream. */
export async function readAll(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

/** Settings that a test cancels by. */
export function cancellable(): { readonly settings: CallSettings; cancel(): void } {
  const controller = new AbortController();
  return { settings: { signal: controller.signal }, cancel: () => controller.abort() };
}

/** Never settles. */
export function forEver(): Promise<never> {
  return new Promise(() => {});
}

function stable(text: string): string {
  return text.replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:…");
}

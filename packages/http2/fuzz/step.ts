// SPDX-License-Identifier: Apache-2.0
import type { Http2Options } from "../src/connection/options.js";
import type { Role } from "../tests/subject.js";

/** An application's actions on one of its streams; `n` is a size, a code or a number of bytes. */
export const actions = [
  "answer",
  "write",
  "writeInPlace",
  "writeInterrupted",
  "end",
  "trailers",
  "badTrailers",
  "credit",
  "creditAll",
  "messageNeeds",
  "reset",
  "close",
  "release",
  "answerInTurn",
  "parse",
  "compress",
] as const;

/** One of {@link actions}. */
export type Action = (typeof actions)[number];

/**
 * One thing that happens to a connection. Plain data: a list of them is printed, and played again. Streams are named by
 * the order in which the application got them, so that a step means the same when others are left out.
 */
export type Step =
  | { readonly do: "input"; readonly hex: string; readonly note: string }
  | { readonly do: "open"; readonly fields: readonly string[]; readonly end: boolean }
  | {
      readonly do: "app";
      readonly action: Action;
      readonly stream: number;
      readonly n: number;
      readonly end: boolean;
    }
  | { readonly do: "shutdown" | "drain" | "slow" | "fast" | "endTurn" | "turn" | "quiesce" | "closed" }
  | { readonly do: "abort"; readonly code: number }
  | { readonly do: "advance"; readonly ms: number };

/** All that a run of the fuzzer does with one connection. */
export interface Conversation {
  readonly role: Role;
  readonly options: Http2Options;
  /** The actions of applications within their sinks follow from it. */
  readonly temper: number;
  /** The peer breaks no rule, so the connection must not end by its fault. */
  readonly lawful: boolean;
  readonly steps: readonly Step[];
}

/** An invariant does not hold. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Throws a {@link Violation} unless `holds`. Not within a connection, which would catch it. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Violation(what);
}

// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from "node:async_hooks";

/** The stores that pieces of application code saw in an `AsyncLocalStorage`, and those that they should have. */
export class Stores {
  readonly storage = new AsyncLocalStorage<string>();
  /** How often each place was visited. */
  readonly visits: Record<string, number> = {};
  private readonly wrong: string[] = [];

  /** A piece of code of the call that has this store runs here. */
  visit(place: string, own: string | undefined): void {
    this.visits[place] = (this.visits[place] ?? 0) + 1;
    const seen = this.storage.getStore();
    if (seen !== own) this.wrong.push(`${place} of ${own} sees ${seen}`);
  }

  /** Fails if a piece of code saw another store than its own, or if one of these places was never visited. */
  expectOwn(...places: string[]): void {
    expect(this.wrong).toEqual([]);
    expect(places.filter((place) => !(place in this.visits))).toEqual([]);
  }
}

/** A message that fills a stream's room after a few. */
export const long = "x".repeat(20_000);
/** Calls at a time over one connection. */
export const callers: readonly string[] = ["a", "b", "c", "d"];

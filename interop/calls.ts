// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@tristream/node";

interface Event<T> {
  readonly promise: Promise<T>;
  fire(value: T): void;
}

function event<T>(): Event<T> {
  let fire: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    fire = resolve;
  });
  return { promise, fire };
}

/**
 * Remembers when a call with a key began and how it ended, so that a client can ask what the server saw instead of
 * waiting for some time.
 */
export class Calls {
  readonly #began = new Map<string, Event<void>>();
  readonly #ended = new Map<string, Event<string>>();

  began(key: string): Promise<void> {
    return find(this.#began, key).promise;
  }

  outcome(key: string): Promise<string> {
    return find(this.#ended, key).promise;
  }

  begin(key: string): void {
    find(this.#began, key).fire();
  }

  /** The first end counts. */
  end(key: string, outcome: string): void {
    find(this.#ended, key).fire(outcome);
  }
}

function find<T>(events: Map<string, Event<T>>, key: string): Event<T> {
  let found = events.get(key);
  if (found === undefined) {
    found = event<T>();
    events.set(key, found);
  }
  return found;
}

/** The key of the names that a call is remembered by. */
export function trackedKey(name: string): string | undefined {
  return /^(?:hang|endless|track):(.*)$/s.exec(name)?.[1];
}

/** How a call ended, in the words of all peers. */
export function outcomeOf(reason: unknown): string {
  if (reason instanceof ConnectError && reason.code === Code.Canceled) return "canceled";
  if (reason instanceof ConnectError && reason.code === Code.DeadlineExceeded) return "deadline_exceeded";
  return `error: ${String(reason)}`;
}

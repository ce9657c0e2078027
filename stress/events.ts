// SPDX-License-Identifier: Apache-2.0

/** A promise and its end. */
export class Happening<T> {
  readonly promise: Promise<T>;
  private resolve!: (value: T) => void;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  tell(value: T): void {
    this.resolve(value);
  }
}

/** Settles when a signal has fired, with its reason. */
export function fired(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}

/** Lets a turn of the event loop pass. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The result of {@link inTime} when nothing happened. */
export const never = Symbol("never");

/** The promise's outcome, or {@link never} when so many milliseconds pass before it settles. */
export async function inTime<T>(promise: PromiseLike<T>, limitMs = 15_000): Promise<T | typeof never> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof never>((resolve) => {
    timer = setTimeout(() => resolve(never), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** True if a condition comes true in time; it is looked at once per turn of the event loop. */
export async function becomes(condition: () => boolean, limitMs = 15_000): Promise<boolean> {
  const ends = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > ends) return false;
    await turn();
  }
  return true;
}

// SPDX-License-Identifier: Apache-2.0

/** Time in which something has to happen; past it the report says "never". */
export const limitMs = 2000;

/** The result of {@link withinLimit} when nothing happened. */
export const never = Symbol("never");

/** The promise's outcome, or {@link never} when the limit passes before it settles. */
export async function withinLimit<T>(promise: Promise<T>): Promise<T | typeof never> {
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

/** True if a condition comes true within the limit; it is looked at every few milliseconds. */
export async function becomes(condition: () => boolean): Promise<boolean> {
  const ends = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > ends) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}

/** A promise and its end. */
export interface Happening<T> {
  readonly promise: Promise<T>;
  tell(value: T): void;
}

/** Makes an event that one place waits for and another one triggers. */
export function happening<T = void>(): Happening<T> {
  let tell!: (value: T) => void;
  const promise = new Promise<T>((resolve) => {
    tell = resolve;
  });
  return { promise, tell };
}

// SPDX-License-Identifier: Apache-2.0

/**
 * The runtime's timers, taken once, when this module is loaded: a test's fake timers (jest, vitest, sinon, node:test) replace
 * the global functions later, and must not stop calls. No other source file may use the global ones; `clock-names.test.ts` greps.
 */
interface RuntimeTimers {
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Absent in browsers. */
  setImmediate: ((callback: () => void) => unknown) | undefined;
}

interface Process {
  nextTick?(callback: () => void): void;
  getBuiltinModule?(name: string): unknown;
}

const { process } = globalThis as { process?: Process };

/**
 * A module of Node's, which Bun and Deno have as well. jest can fake the global functions before this module is loaded
 * (`fakeTimers.enableGlobally`); it never fakes the functions of these modules.
 */
function builtin<T>(name: string): Partial<T> {
  const found = process?.getBuiltinModule?.(`node:${name}`);
  return typeof found === "object" && found !== null ? found : {};
}

const globals = globalThis as unknown as RuntimeTimers;
const timers = builtin<RuntimeTimers>("timers");
const performance = builtin<{ performance: Performance }>("perf_hooks").performance ?? globalThis.performance;

/** Earlier fake timers leave no real `nextTick` to take. Their functions have a member `clock`. */
const nextTickIsFake = process?.nextTick !== undefined && "clock" in process.nextTick;

/** Browsers check that `this` is the window. */
function bound<T>(fn: T, self: unknown = globalThis): T {
  return typeof fn === "function" ? fn.bind(self) : fn;
}

export const setTimeout: RuntimeTimers["setTimeout"] = bound(timers.setTimeout ?? globals.setTimeout);
export const clearTimeout: RuntimeTimers["clearTimeout"] = bound(timers.clearTimeout ?? globals.clearTimeout);
export const setImmediate: RuntimeTimers["setImmediate"] = bound(timers.setImmediate ?? globals.setImmediate);
/** Absent in browsers. */
export const nextTick: Process["nextTick"] = nextTickIsFake ? undefined : bound(process?.nextTick, process);
export const now: () => number = bound(performance.now, performance);

// SPDX-License-Identifier: Apache-2.0
import { setImmediate, setTimeout } from "node:timers/promises";
import { TestEnvironment } from "jest-environment-node";

const errors = [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
];
const closingTimeMs = 5000;
const ordinaryInstanceOf = Function.prototype[Symbol.hasInstance];

/**
 * Jest's node environment with three additions: errors made by Node itself are `instanceof Error`; a rejection that nobody
 * handles fails its file even when it comes after the last test; and a file fails if it leaves a socket, server, timer or child
 * process open, which would keep jest's worker from exiting.
 *
 * Tests run in a realm of their own, Node's modules in the outer one. Without the first addition connect-node takes an
 * ECONNREFUSED for something that is no error and answers Internal instead of Unavailable, and no test of error mapping
 * means anything. During a test jest itself watches for unhandled rejections; it puts our listener back at the end.
 */
export default class NodeErrorsEnvironment extends TestEnvironment {
  #unhandled = [];
  #resources = {};
  #failures = [];
  #onUnhandled = (reason) => this.#unhandled.push(reason);

  async setup() {
    await super.setup();
    // Made when they are first asked for, and then resources as well.
    void [process.stdout, process.stderr];
    this.#resources = resources();
    for (const outer of errors) acceptOuterInstances(this.global[outer.name], outer);
    process.on("unhandledRejection", this.#onUnhandled);
  }

  /** Remembers the tests that failed: an error of the teardown takes the place of their results. */
  handleTestEvent({ name, test }) {
    if (name === "test_done" && test.errors.length > 0) this.#failures.push(failureOf(test));
  }

  async teardown() {
    // One turn for timers that are due, one for what they started.
    await setTimeout(0);
    await setImmediate();
    process.off("unhandledRejection", this.#onUnhandled);
    const left = await resourcesLeft(this.#resources);
    await super.teardown();
    if (left.length > 0) throw leftOpen(left, this.#failures);
    if (this.#unhandled.length > 0) throw unhandledAfterTests(this.#unhandled);
  }
}

/** What keeps this process alive, by kind. */
function resources() {
  const counts = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** What is open beyond `before`. What is being closed gets its time: on a busy machine, some seconds. */
async function resourcesLeft(before) {
  const ends = performance.now() + closingTimeMs;
  for (;;) {
    const left = Object.entries(resources()).filter(([kind, n]) => n > (before[kind] ?? 0));
    if (left.length === 0 || performance.now() > ends) {
      return left.map(([kind, n]) => `${n - (before[kind] ?? 0)} ${kind}`);
    }
    await setImmediate();
  }
}

function leftOpen(left, failures) {
  const text = `left open when the last test was over: ${left.join(", ")}: close servers and transports, await children's "close", clear timers`;
  return new Error([text, ...failures].join("\n"));
}

/** The name of a test that failed, and the first line of its first error. */
function failureOf(test) {
  const names = [];
  for (let block = test; block?.parent; block = block.parent) names.unshift(block.name);
  const [first] = test.errors.flat();
  const text = String(first?.message ?? first).split("\n", 1)[0];
  return `FAILED before: ${names.join(" ")}: ${text}`;
}

function acceptOuterInstances(inner, outer) {
  Object.defineProperty(inner, Symbol.hasInstance, {
    // Subclasses inherit this function: only the class itself accepts instances of its outer twin.
    value(value) {
      return (
        ordinaryInstanceOf.call(this, value) || (this === inner && ordinaryInstanceOf.call(outer, value))
      );
    },
  });
}

function unhandledAfterTests([first, ...others]) {
  const message = `a promise was rejected after the last test and nobody handled it: ${first?.stack ?? first}`;
  return new Error(others.length > 0 ? `${message}\n(and ${others.length} more)` : message, { cause: first });
}

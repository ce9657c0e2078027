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
const ordinaryInstanceOf = Function.prototype[Symbol.hasInstance];

/**
 * Jest's node environment with two additions: errors made by Node itself are `instanceof Error`, and a rejection that nobody
 * handles fails its file even when it comes after the last test.
 *
 * Tests run in a realm of their own, Node's modules in the outer one. Without the first addition connect-node takes an
 * ECONNREFUSED for something that is no error and answers Internal instead of Unavailable, and no test of error mapping
 * means anything. During a test jest itself watches for unhandled rejections; it puts our listener back at the end.
 */
export default class NodeErrorsEnvironment extends TestEnvironment {
  #unhandled = [];
  #onUnhandled = (reason) => this.#unhandled.push(reason);

  async setup() {
    await super.setup();
    for (const outer of errors) acceptOuterInstances(this.global[outer.name], outer);
    process.on("unhandledRejection", this.#onUnhandled);
  }

  async teardown() {
    // One turn for timers that are due, one for what they started.
    await setTimeout(0);
    await setImmediate();
    process.off("unhandledRejection", this.#onUnhandled);
    await super.teardown();
    if (this.#unhandled.length > 0) throw unhandledAfterTests(this.#unhandled);
  }
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

// SPDX-License-Identifier: Apache-2.0
import { writeSync } from "node:fs";

/** Fails a run in which no test ran, and prints `N passed, N failed` as the last line, after jest's own summary. */
export default class CountsReporter {
  #error;

  onRunComplete(_contexts, results) {
    // A file that could not be loaded has no tests to count, yet it failed.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const passed = results.numPassedTests;
    if (passed + failed === 0) this.#error = new Error("no test ran");
    process.once("exit", () => writeSync(1, `${passed} passed, ${failed} failed\n`));
  }

  getLastError() {
    return this.#error;
  }
}

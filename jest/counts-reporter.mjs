// SPDX-License-Identifier: Apache-2.0
import { writeSync } from "node:fs";
import { relative } from "node:path";

/**
 * Fails a run in which no test ran. After jest's own summary it prints the tests that failed, with the beginning of each
 * message, and `N passed, N failed` as the last line: whoever sees only the end of the output then knows what failed.
 */
export default class CountsReporter {
  #error;

  onRunComplete(_contexts, results) {
    // A file that could not be loaded has no tests to count, yet it failed.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const passed = results.numPassedTests;
    if (passed + failed === 0) this.#error = new Error("no test ran");
    const lines = [...failures(results), `${passed} passed, ${failed} failed`];
    process.once("exit", () => writeSync(1, `${lines.join("\n")}\n`));
  }

  getLastError() {
    return this.#error;
  }
}

function* failures(results) {
  for (const { testFilePath, testResults, testExecError } of results.testResults) {
    const file = relative(process.cwd(), testFilePath);
    if (testExecError) yield `FAILED ${file}: ${beginning(testExecError.message ?? String(testExecError))}`;
    for (const { status, fullName, failureMessages } of testResults)
      if (status === "failed") yield `FAILED ${file}: ${fullName}\n${beginning(failureMessages.join("\n"))}`;
  }
}

function beginning(message) {
  return message.split("\n").slice(0, 12).join("\n").slice(0, 1_000);
}

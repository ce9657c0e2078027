// SPDX-License-Identifier: Apache-2.0
// Keeps one core busy until its stdin ends, which it does with whoever started it.
const turnMs = 50;

process.stdin.on("end", () => process.exit()).resume();
burn();

function burn() {
  for (const until = performance.now() + turnMs; performance.now() < until; );
  setImmediate(burn);
}

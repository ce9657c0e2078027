// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** The processes that this run has started and that have not ended. Nothing else is ever killed. */
const running = new Set();

const keptLines = 40;

/** What run.mjs tells better, and Java's stack traces, but for what is ours. */
const noise =
  /^(?:RUN|PASS|FAIL|READY) |^\s+at (?!interop\.|greet\.)[\w.$/@<>]+\((?:\w+\.java:\d+|Native Method|Unknown Source)\)/;

/**
 * Starts a program. `onLine` is told each line of its stdout; `exited` resolves, never rejects, with what to say about
 * its end, once its output has been read. `input`: it is written to.
 */
export function start([command, ...args], { cwd, onLine = () => {}, input = false }) {
  const child = spawn(command, args, { cwd, stdio: [input ? "pipe" : "ignore", "pipe", "pipe"] });
  running.add(child);
  const kept = [];
  const keep = (line) => {
    if (noise.test(line)) return;
    kept.push(line.slice(0, 500));
    if (kept.length > keptLines) kept.shift();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    keep(line);
    onLine(line);
  });
  createInterface({ input: child.stderr }).on("line", keep);
  const exited = new Promise((resolve) => {
    child.once("error", (error) => {
      running.delete(child);
      resolve({ code: undefined, missing: error.code === "ENOENT", said: `${command}: ${error.message}` });
    });
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve({
        code: code ?? undefined,
        missing: false,
        said: signal === null ? `ended with code ${code}` : `was ended by ${signal}`,
      });
    });
  });
  return {
    exited,
    /** The last lines that it printed, on both channels. */
    tail: () => kept.slice(),
    write: (text) => child.stdin.write(text),
    kill: (signal = "SIGKILL") => running.has(child) && child.kill(signal),
    get alive() {
      return running.has(child);
    },
  };
}

/** Settles as the promise does, or rejects with the message after some time. */
export async function within(ms, message, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends whatever this run has started and not yet ended. */
export function killAll() {
  for (const child of running) child.kill("SIGKILL");
}

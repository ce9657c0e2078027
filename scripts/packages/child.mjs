// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";

/** Nothing here takes a minute, but for an install over a slow network. */
const limitMs = 300_000;

/** The processes that run. */
const running = new Set();

/** Ends what this process has started and not yet ended. */
export function killAll() {
  for (const child of running) child.kill("SIGKILL");
}

/**
 * Runs this Node, or another `program` that is like it, to its end. Rejects, with what it printed, when it fails; else
 * resolves with its stdout and stderr.
 */
export function runNode(args, options = {}) {
  return finish(start(args, options));
}

/** Runs npm: the one that runs this script, so that its configuration holds and no shell is needed. */
export function runNpm(args, options = {}) {
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error("run this as `npm run packages`, so that it finds npm");
  return runNode([npm, ...args], options);
}

/** Starts a server, and settles when it has told its address as the sample does. */
export async function startServer(args, options) {
  const server = start(args, options);
  const url = await new Promise((resolve, reject) => {
    server.onStdout = () => {
      const [, found] = /listens on (\S+)\n/.exec(server.output.stdout) ?? [];
      if (found !== undefined) resolve(found);
    };
    server.closed.then(
      () => reject(new Error(`${server.title} ended before it listened${said(server)}`)),
      reject,
    );
  });
  return {
    url,
    /** Asks it to stop, as an operator would, and rejects when it does not end well. */
    async stop() {
      server.child.kill("SIGTERM");
      await finish(server);
    },
  };
}

function start(args, { cwd = process.cwd(), program = [process.execPath] } = {}) {
  const [command, ...first] = program;
  const child = spawn(command, [...first, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const started = { title: [basename(command), ...first, ...args].join(" "), child, late: false };
  started.output = { stdout: "", stderr: "" };
  started.onStdout = () => {};
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => {
      started.output[name] += text;
      if (name === "stdout") started.onStdout();
    });
  }
  const timer = setTimeout(() => {
    started.late = true;
    child.kill("SIGKILL");
  }, limitMs);
  // Rejects when there is no such program.
  started.closed = once(child, "close").finally(() => {
    clearTimeout(timer);
    running.delete(child);
  });
  return started;
}

async function finish(started) {
  const [code, signal] = await started.closed;
  if (code === 0) return started.output;
  const how = started.late
    ? `was stopped after ${limitMs / 1000} s`
    : signal === null
      ? `ended with code ${code}`
      : `was ended by ${signal}`;
  throw new Error(`${started.title} ${how}${said(started)}`);
}

function said({ output }) {
  const text = `${output.stdout}${output.stderr}`.trim();
  return text === "" ? ", and printed nothing" : `:\n${text}`;
}

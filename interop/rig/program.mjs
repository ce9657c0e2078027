// SPDX-License-Identifier: Apache-2.0
import { start, within } from "./child.mjs";
import { spawnOptions } from "./peers.mjs";

/** The command that runs a TypeScript program of this project. */
export const tristream = [process.execPath, "--conditions=@tristream/source", "--import", "tsx"];

/** A process that says words on its stdout; `said` gives what follows the next one. */
export function program(command) {
  const heard = [];
  let wake = () => {};
  const child = start(command, {
    ...spawnOptions,
    input: true,
    onLine: (line) => {
      heard.push(line);
      wake();
    },
  });
  const waiters = new Set();
  wake = () => {
    for (const waiter of waiters) waiter();
  };
  return {
    ...child,
    get alive() {
      return child.alive;
    },
    said(word, ms) {
      let look;
      const found = new Promise((resolve) => {
        look = () => {
          const at = heard.findIndex((line) => line.startsWith(word));
          if (at >= 0) resolve(heard.splice(at, 1)[0].slice(word.length + 1));
        };
        waiters.add(look);
        look();
      });
      const ended = child.exited.then(({ said }) => {
        throw new Error(`no ${word}: the process ${said}`);
      });
      ended.catch(() => {});
      return within(ms, `no ${word} within ${ms / 1000} s`, Promise.race([found, ended])).finally(() =>
        waiters.delete(look),
      );
    },
  };
}

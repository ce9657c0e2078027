// SPDX-License-Identifier: Apache-2.0
import { applies, lastCases } from "./cases.mjs";
import { start, within } from "./child.mjs";
import { peers, spawnOptions, urlOf } from "./peers.mjs";

const readyMs = 30_000;
const caseMs = 30_000;
const exitMs = 15_000;
const portTries = 3;

/**
 * Runs cases with one implementation as client and one as server. Gives, for each case, undefined where it can't apply,
 * "" when it passed, else why it failed; and the last output of processes that had to do with a failure.
 */
export async function runPair(client, server, names) {
  const outcomes = new Map();
  const output = [];
  const wanted = names.filter((name) => applies(name, client, server));
  await runOnOneServer(wanted.filter((name) => !lastCases.has(name)));
  for (const name of wanted.filter((name) => lastCases.has(name))) await runOnOneServer([name]);
  return { outcomes, output };

  async function runOnOneServer(all) {
    let left = all;
    while (left.length > 0) {
      const before = failures();
      const serving = await startServer(server).catch((error) => ({ error }));
      if (serving.error !== undefined) {
        for (const name of left) outcomes.set(name, `the server did not start: ${serving.error.message}`);
        report(`${server} as server`, serving.error.tail);
        return;
      }
      left = await runClients(left, serving);
      if (all.includes("drain") && outcomes.get("drain") === "")
        outcomes.set("drain", await drained(serving));
      serving.kill();
      await serving.exited;
      if (failures() > before) report(`${server} as server`, serving.tail());
    }
  }

  /** Runs client processes until no case is left or the server is gone; gives the cases that are left then. */
  async function runClients(all, serving) {
    let left = all;
    while (left.length > 0) {
      const before = failures();
      const running = runClient(left, serving);
      const ended = await running.ended;
      left = left.filter((name) => !outcomes.has(name));
      if (failures() > before || !ended.began) report(`${client} as client`, running.tail());
      if (!ended.began) {
        for (const name of left) outcomes.set(name, `the client did not begin: ${ended.said}`);
        return [];
      }
      if (!serving.alive) return left;
    }
    return left;
  }

  /** One client process, until it ends or one of its cases takes too long. */
  function runClient(left, serving) {
    let current;
    let timer;
    let tooLate = false;
    let began = false;
    const child = start(peers[client].client(serving.url, server, left), { ...spawnOptions, onLine });
    arm();
    const ended = child.exited.then(({ code, said }) => {
      clearTimeout(timer);
      const late = `no result within ${caseMs / 1000} s`;
      if (current !== undefined) outcomes.set(current, tooLate ? late : `the client ${said}`);
      const last = left.at(-1);
      if (current === undefined && outcomes.get(last) === "") {
        if (tooLate) outcomes.set(last, `passed, but the client did not end within ${caseMs / 1000} s`);
        else if (code !== 0 && left.every((name) => outcomes.get(name) === ""))
          outcomes.set(last, `passed, but the client ${said}`);
      }
      return { began, said: tooLate ? late : said };
    });
    return { ended, tail: child.tail };

    function arm() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        tooLate = true;
        child.kill();
      }, caseMs);
    }

    function onLine(line) {
      const [, verb, name, why] = /^(RUN|PASS|FAIL) ([\w-]+)(?:: (.*))?$/.exec(line) ?? [];
      if (!left.includes(name)) return;
      arm();
      began = true;
      current = verb === "RUN" ? name : undefined;
      if (verb !== "RUN") outcomes.set(name, verb === "PASS" ? "" : why || "no reason given");
    }
  }

  function report(who, tail) {
    if (tail.length > 0) output.push(`-- ${who}`, ...tail);
  }

  function failures() {
    return [...outcomes.values()].filter((why) => why !== "").length;
  }
}

/** Our server must end by itself after a drain, with no call cut. */
async function drained(serving) {
  try {
    const { code, said } = await within(
      exitMs,
      `the server did not end within ${exitMs / 1000} s`,
      serving.exited,
    );
    if (code !== 0) return `the server ${said}`;
    return serving.tail().some((line) => /^SHUTDOWN .*cut=0$/.test(line)) ? "" : "the server cut calls";
  } catch (error) {
    return error.message;
  }
}

async function startServer(server) {
  for (let tries = 1; ; tries++) {
    let ready;
    const port = new Promise((resolve) => {
      ready = resolve;
    });
    const onLine = (line) => {
      const [, value] = /^READY (\d+)$/.exec(line) ?? [];
      if (value !== undefined) ready(value);
    };
    const child = start(await peers[server].server(), { ...spawnOptions, onLine });
    try {
      const died = child.exited.then(({ said }) => {
        throw new Error(`it ${said} before READY`);
      });
      const value = await within(readyMs, `no READY within ${readyMs / 1000} s`, Promise.race([port, died]));
      died.catch(() => {});
      return {
        url: urlOf(value),
        exited: child.exited,
        tail: child.tail,
        kill: child.kill,
        get alive() {
          return child.alive;
        },
      };
    } catch (error) {
      child.kill();
      // somebody else may have taken the port in between
      const taken = child.tail().some((line) => /address already in use|Failed to bind/i.test(line));
      if (!taken || tries === portTries) throw Object.assign(error, { tail: child.tail() });
    }
  }
}

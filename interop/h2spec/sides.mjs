// SPDX-License-Identifier: Apache-2.0
import { start, within } from "../rig/child.mjs";
import { spawnOptions } from "../rig/peers.mjs";
import { Results } from "./results.mjs";

const host = "127.0.0.1";
const tristream = [process.execPath, "--conditions=@tristream/source", "--import", "tsx"];
const readyMs = 30_000;
const allMs = 5 * 60_000;
const caseMs = 10_000;
const portTries = 5;

/**
 * Five fields of so many bytes have to pass our SETTINGS_MAX_FRAME_SIZE in one HEADERS frame (http2/4.2/3); h2spec's
 * default of 4000 passes 16,384 only.
 */
const strict = ["--strict", "--max-header-length", "16000"];

/** Runs h2spec against the sample's server. */
export async function testServer(h2spec) {
  const server = await startServer();
  const results = new Results({ announces: true });
  const tester = start([h2spec, ...strict, "--host", host, "--port", server.port], {
    ...spawnOptions,
    onLine: (line) => results.line(line),
  });
  try {
    const { said } = await within(allMs, `h2spec: no end within ${allMs / 60_000} minutes`, tester.exited);
    if (results.all.length === 0) throw new Error([`h2spec ${said}`, ...tester.tail()].join("\n"));
    if (!server.alive) throw new Error(["the server is gone", ...server.tail()].join("\n"));
    return results.all;
  } finally {
    tester.kill();
    server.kill();
    await server.exited;
  }
}

async function startServer() {
  let ready;
  const port = new Promise((resolve) => {
    ready = resolve;
  });
  const onLine = (line) => {
    const [, value] = /listens on tri:\/\/127\.0\.0\.1:(\d+)$/.exec(line) ?? [];
    if (value !== undefined) ready(value);
  };
  const child = start([...tristream, "samples/greet/server.ts", "--port", "0"], { ...spawnOptions, onLine });
  const died = child.exited.then(({ said }) => {
    throw new Error([`the server ${said}`, ...child.tail()].join("\n"));
  });
  died.catch(() => {});
  const late = `the server does not listen after ${readyMs / 1000} s`;
  return Object.assign(child, { port: await within(readyMs, late, Promise.race([port, died])) });
}

/**
 * Runs h2specd, which is a server that misbehaves on `count` ports in a row, a case each, and has our client connect to
 * one after the other.
 */
export async function testClient(h2specd, count) {
  const results = new Results({ announces: false });
  let heard = () => {};
  const tester = await startTester(h2specd, count, (line) => {
    if (results.line(line)) heard();
  });
  const client = start([...tristream, "interop/h2spec/client.ts"], { ...spawnOptions, input: true });
  const gone = Promise.race([client.exited, tester.exited]).then(({ said }) => {
    throw new Error([`h2specd or its client ${said}`, ...tester.tail(), ...client.tail()].join("\n"));
  });
  gone.catch(() => {});
  try {
    for (let i = 0; i < count; i++) {
      const result = new Promise((resolve) => {
        heard = resolve;
      });
      client.write(`${tester.firstPort + i}\n`);
      await within(
        caseMs + (i === 0 ? readyMs : 0),
        `h2specd: no result of case ${i + 1} of ${count} within ${caseMs / 1000} s`,
        Promise.race([result, gone]),
      );
    }
    return results.all;
  } finally {
    client.kill();
    tester.kill();
    await Promise.all([client.exited, tester.exited]);
  }
}

/** h2specd takes only ports in a row that it is told: a place where they are free has to be found. */
async function startTester(h2specd, count, onResultLine) {
  for (let tries = 1; ; tries++) {
    // below the ports that the system hands out
    const firstPort = 10_000 + Math.floor(Math.random() * 20_000);
    let ready;
    const listening = new Promise((resolve) => {
      ready = resolve;
    });
    const onLine = (line) => {
      if (/^Report server is listened at/.test(line)) ready();
      else onResultLine(line);
    };
    const places = ["--from-port", String(firstPort), "--port", String(firstPort + count)];
    const child = start([h2specd, ...strict, "--host", host, ...places], { ...spawnOptions, onLine });
    const died = child.exited.then(({ said }) => {
      throw new Error([`h2specd ${said}`, ...child.tail()].join("\n"));
    });
    died.catch(() => {});
    try {
      const late = `h2specd does not listen after ${readyMs / 1000} s`;
      await within(readyMs, late, Promise.race([listening, died]));
      return Object.assign(child, { firstPort });
    } catch (error) {
      child.kill();
      if (tries === portTries) throw error;
    }
  }
}

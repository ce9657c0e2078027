// SPDX-License-Identifier: Apache-2.0
// npm run greet:server [-- --port N]
import { parseArgs } from "node:util";
import { Code, ConnectError, serve } from "@tristream/node";
import { routes } from "./greeter.js";
import { runOrExplain } from "./run-or-explain.js";

const usage = "usage: npm run greet:server -- --port 20000";

await runOrExplain(async () => {
  const server = await serve({ host: "127.0.0.1", port: readPort(), routes });
  console.log(`the greet server listens on ${server.url}`);

  const stop = async (): Promise<void> => {
    const { finished, cut } = await server.shutdown({ graceMs: 5000 });
    console.log(`stopped: of the calls that ran, ${finished} finished and ${cut} were cut`);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
});

function readPort(): number {
  const { values, positionals } = parseArgs({
    options: { port: { type: "string", default: "20000" } },
    strict: false,
    allowPositionals: true,
  });
  const unknown = [...Object.keys(values).filter((name) => name !== "port"), ...positionals];
  if (unknown.length > 0) {
    throw new ConnectError(`unknown argument ${JSON.stringify(unknown[0])} (${usage})`, Code.InvalidArgument);
  }
  const given = values.port;
  if (typeof given !== "string") {
    throw new ConnectError(
      `--port has no value: give a number from 0 to 65535 (${usage})`,
      Code.InvalidArgument,
    );
  }
  // Not `Number` alone: that takes "" for 0, which is any free port.
  if (/^\d+$/.test(given) && Number(given) <= 65_535) return Number(given);
  throw new ConnectError(
    `port ${JSON.stringify(given)}: give a number from 0 to 65535 (${usage})`,
    Code.InvalidArgument,
  );
}

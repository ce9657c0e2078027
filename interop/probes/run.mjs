// SPDX-License-Identifier: Apache-2.0
// node interop/probes/run.mjs [--row N]... [--write]: see ../README.md
import { parseArgs } from "node:util";
import { killAll } from "../rig/child.mjs";
import { buildGoTools, goVersion } from "../rig/go-tools.mjs";
import { peersOf, startClient, startServer } from "./peers.mjs";
import { probeClient } from "./probe-client.mjs";
import { clientProbes, serverProbes } from "./probe-list.mjs";
import { probeServer } from "./probe-server.mjs";
import { outdated, plainTable, writeTables } from "./tables.mjs";

/** Probes of a peer at a time. */
const atOnce = 16;

const { values: options } = parseArgs({
  options: {
    row: { type: "string", multiple: true, default: [] },
    write: { type: "boolean", default: false },
  },
});

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

try {
  process.exitCode = await main();
} catch (error) {
  console.log(`probes: FAILED: ${error.message}`);
  process.exitCode = 1;
}

async function main() {
  if (options.write && options.row.length > 0) throw new Error("--write needs all rows: leave out --row");
  const wanted = ({ row }) => options.row.length === 0 || options.row.includes(String(row));
  const servers = serverProbes.filter(wanted);
  const clients = clientProbes.filter(wanted);
  if (servers.length + clients.length === 0) throw new Error(`no probes of row ${options.row.join(", ")}`);

  const { "probe-go": go } = await buildGoTools("probes/go", { "probe-go": "." });
  const peers = peersOf(go, await goVersion("probes/go"));
  const columns = await Promise.all(peers.map((peer) => probePeer(peer, servers, clients)));
  const tables = [
    { title: "A server that is sent", probes: servers, columns: columns.map(({ server }) => server) },
    { title: "A client that is sent", probes: clients, columns: columns.map(({ client }) => client) },
  ].filter(({ probes }) => probes.length > 0);
  const names = peers.map(({ name }) => name);
  for (const table of tables) console.log(`${plainTable(table, names)}\n`);
  if (options.write) console.log(`wrote ${writeTables(tables, names)}`);

  const wrong = tables.flatMap(({ probes, columns: [ours] }) =>
    probes.flatMap((probe, i) => (ours[i] === probe.ours ? [] : [{ ...probe, did: ours[i] }])),
  );
  for (const { row, title, ours, did } of wrong)
    console.log(`FAIL row ${row}, ${title}: ${did}, not ${ours}`);
  const old = outdated(tables);
  if (old.length > 0)
    console.log(
      `FAIL ${old.length} lines of the document are not there, or say something else of ours: ${old[0]}`,
    );
  const count = servers.length + clients.length;
  const document = old.length === 0 ? "" : ", the document is out of date: npm run probes -- --write";
  console.log(
    `probes: ${count - wrong.length} of ${count} as expected of ours, ${wrong.length} failed${document}`,
  );
  return wrong.length === 0 && old.length === 0 ? 0 : 1;
}

/** Runs all probes against a peer; gives what its server and its client did, in the order of the probes. */
async function probePeer(peer, servers, clients) {
  const server = await startServer(peer.server);
  const client = startClient(peer.client);
  try {
    return {
      server: await all(servers, (probe) => probeServer(server.port, probe)),
      client: await all(clients, (probe) => probeClient(client, probe)),
    };
  } finally {
    server.kill();
    client.kill();
    await Promise.all([server.exited, client.exited]);
  }
}

async function all(probes, run) {
  const outcomes = new Array(probes.length);
  // The slow ones first, so that the others run meanwhile.
  const order = probes.map((_, i) => i).sort((a, b) => Number(isSlow(probes[b])) - Number(isSlow(probes[a])));
  const worker = async () => {
    for (let i = order.shift(); i !== undefined; i = order.shift()) outcomes[i] = await run(probes[i]);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcomes;
}

function isSlow({ input }) {
  return input.some((step) => typeof step === "function");
}

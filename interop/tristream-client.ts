// SPDX-License-Identifier: Apache-2.0
// tristream-client.ts URL SERVER CASE...: prints "RUN case", then "PASS case" or "FAIL case: why"; exit code 1 if one failed.
// SERVER is go, java or tristream: what the other end is, since some answers differ by what its implementation documents.
import { endings } from "./cases/endings.js";
import { errors } from "./cases/errors.js";
import { kinds } from "./cases/kinds.js";
import { load } from "./cases/load.js";
import { metadata } from "./cases/metadata.js";
import { connect, isServer } from "./cases/peer.js";
import { selectors } from "./cases/selectors.js";

const cases = { ...kinds, ...selectors, ...errors, ...endings, ...metadata, ...load };

const [url, server, ...names] = process.argv.slice(2);
if (url === undefined || server === undefined || !isServer(server) || names.length === 0) {
  throw new Error("usage: tristream-client.ts URL go|java|tristream CASE...");
}
const to = connect(url, server);
for (const name of names) {
  console.log(`RUN ${name}`);
  try {
    const run = cases[name];
    if (run === undefined) throw new Error("this client has no such case");
    await run(to);
    console.log(`PASS ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL ${name}: ${String(error).replaceAll("\n", " | ")}`);
    console.error(error);
  }
}
// not closed: idle connections must not keep the process

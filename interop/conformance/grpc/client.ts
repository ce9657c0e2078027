// SPDX-License-Identifier: Apache-2.0
// client.ts URL PARALLEL CASE…: runs each case, so many times at once. Prints "PASS case" or "FAIL case: why".
import { compressionGzip, createTransport } from "@tristream/node";
import { cases } from "./cases.js";
import { receiveLimit } from "./service.js";

const [url, parallel, ...names] = process.argv.slice(2);
if (url === undefined || parallel === undefined) throw new Error("use: client.ts URL PARALLEL CASE…");

await using plain = createTransport(url, { readMaxBytes: receiveLimit });
await using compressing = createTransport(url, {
  readMaxBytes: receiveLimit,
  sendCompression: compressionGzip,
});
for (const name of names) {
  const run = cases[name];
  if (run === undefined)
    throw new Error(`case ${name}: not known, there are ${Object.keys(cases).join(", ")}`);
  const transport = name.startsWith("client_compressed") ? compressing : plain;
  try {
    await Promise.all(Array.from({ length: Number(parallel) }, () => run(transport)));
    console.log(`PASS ${name}`);
  } catch (error) {
    console.log(`FAIL ${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

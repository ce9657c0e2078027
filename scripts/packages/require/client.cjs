// SPDX-License-Identifier: Apache-2.0
// The sample's client as CommonJS. What the packages export is one thing however it is loaded: errors can be told apart.
const { GreetService } = require("@tristream/gen/greet/greet_pb.js");
const { Code, ConnectError, createClient, createTransport } = require("@tristream/node");
const { greetAll } = require("./greet-all.js");

async function main(address) {
  await greetAll(address);
  const imported = await import("@tristream/node");
  if (imported.ConnectError !== ConnectError) throw new Error("import and require give two ConnectErrors");
  const transport = createTransport(address);
  const unknown = createClient(GreetService, transport, { group: "unknown" });
  const error = await unknown.greet({ name: "triple" }).catch((reason) => reason);
  await transport.close();
  if (!(error instanceof ConnectError) || error.code !== Code.Unimplemented) throw error;
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

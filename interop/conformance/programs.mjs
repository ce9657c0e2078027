// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { root, run } from "../rig/build.mjs";
import { buildGoTools, goModuleFolder } from "../rig/go-tools.mjs";

const here = join(root, "interop/conformance");
const buf = join(root, "node_modules/@bufbuild/buf/bin/buf");
const tsc = join(root, "node_modules/typescript/bin/tsc");
const needs = "npm ci";

/** The command that runs one of our programs here, from the root of the repository. */
export const tristream = (program) => [
  process.execPath,
  "--conditions=@tristream/source",
  "--import",
  "tsx",
  join("interop/conformance", program),
];

/** Builds the Go programs, generates our messages from the very schemas that those have, and checks our programs' types. */
export async function buildPrograms() {
  const tools = await buildGoTools("conformance", {
    connectconformance: "connectrpc.com/conformance/cmd/connectconformance",
    "grpc-interop-client": "google.golang.org/grpc/interop/client",
    "grpc-interop-peer": "./grpc/peer",
  });
  await generate(await goModuleFolder("conformance", "connectrpc.com/conformance"), "connect");
  const schema = join(root, "interop/.cache/grpc-testing.binpb");
  await run(needs, [tools["grpc-interop-peer"], "protos", schema], { cwd: here });
  await generate(schema, "grpc");
  await run(needs, [process.execPath, tsc, "-p", "."], { cwd: here });
  return tools;
}

function generate(input, folder) {
  return run(needs, [process.execPath, buf, "generate", input, "--template", "buf.gen.yaml", "-o", folder], {
    cwd: here,
  });
}

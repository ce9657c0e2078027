// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { build } from "esbuild";
import { root, run } from "../rig/build.mjs";
import { buildGoTools, goModuleFolder } from "../rig/go-tools.mjs";

const here = join(root, "interop/conformance");
const buf = join(root, "node_modules/@bufbuild/buf/bin/buf");
const tsc = join(root, "node_modules/typescript/bin/tsc");
const needs = "npm ci";

const bundles = "interop/.cache/conformance";
const programs = ["connect/client", "connect/server", "grpc/client", "grpc/server"];

/** The command that runs one of our programs here, from the root of the repository. */
export const tristream = (program) => [process.execPath, "--enable-source-maps", `${bundles}/${program}.js`];

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
  await bundle();
  return tools;
}

function generate(input, folder) {
  return run(needs, [process.execPath, buf, "generate", input, "--template", "buf.gen.yaml", "-o", folder], {
    cwd: here,
  });
}

/** One file a program, of the packages' sources: the runner gives a server 10 s to start, on a loaded machine too. */
function bundle() {
  return build({
    entryPoints: programs.map((program) => ({ in: join(here, `${program}.ts`), out: program })),
    outdir: join(root, bundles),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@tristream/source"],
    sourcemap: true,
    logLevel: "error",
  });
}

// SPDX-License-Identifier: Apache-2.0
// npm run packages [-- --write] [-- --no-build] [-- --keep] [-- --with PROGRAM]...
//
// What npm would publish, tried as its users would: built, packed, linted, installed in an empty project, compiled, run by
// import and by require(), and bundled; and the project that docs/packages.md tells to make. `--write` writes the bundle's size
// into docs/packages.md, instead of comparing it; `--no-build` takes each dist/ as it is; `--keep` leaves the project and says
// where; `--with bun --with "deno run -A"` runs the sample by these programs too, each as server and as client of Node.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle, sizeProblems, writeSizes } from "./bundle.mjs";
import { killAll, runNode, startServer } from "./child.mjs";
import { contentProblems, installScripts } from "./contents.mjs";
import { attwProblems, publintProblems } from "./lint.mjs";
import { runOwnProject } from "./own-project.mjs";
import { install, installedFolder, pack, writePrograms } from "./project.mjs";
import { published } from "./published.mjs";

const { values: options } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    with: { type: "string", multiple: true, default: [] },
  },
});
const root = JSON.parse(readFileSync("package.json", "utf8"));
const expected = readFileSync("samples/greet/expected-output.txt", "utf8");
const work = mkdtempSync(join(tmpdir(), "tristream-packages-"));
const project = join(work, "project");

process.on("exit", () => {
  killAll();
  if (options.keep) console.log(`packages: the project is left in ${project}`);
  else rmSync(work, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

const esm = { server: "esm/server.js", client: "esm/client.js" };
const cjs = { server: "require/server.cjs", client: "require/client.cjs" };
let tarballs = new Map();
let examples = [];
const steps = {
  "every package is known": everyPackageIsKnown,
  build: () => (options["no-build"] ? "left as it is" : buildAll()),
  pack: async () => {
    tarballs = await pack(join(work, "tarballs"));
    return `${tarballs.size} tarballs`;
  },
  publint: () => each(({ name }) => publintProblems(name, tarballs.get(name))),
  attw: () => each(({ name, entrypoints }) => attwProblems(name, tarballs.get(name), entrypoints)),
  install: async () => {
    await install(project, tarballs);
    return none(installScripts(join(project, "package-lock.json")), "no install scripts in the whole tree");
  },
  contents: () => each((one) => contentProblems(one, installedFolder(project, one.name), root)),
  types: async () => {
    examples = await writePrograms(project);
    return "the sample as ES module and as CommonJS, and the READMEs' examples";
  },
  import: () => runSample(esm),
  require: () => runSample(cjs),
  "README examples": runExamples,
  "docs' project": async () => {
    await runOwnProject(join(work, "mine"), tarballs);
    return "does what docs/packages.md says, also without DOM";
  },
  bundle: bundleClient,
};
for (const program of options.with) steps[program] = () => runWith(program.split(" "));

for (const [name, step] of Object.entries(steps)) {
  const began = performance.now();
  try {
    const outcome = await step();
    console.log(`packages: ${name}: ${outcome}, ${((performance.now() - began) / 1000).toFixed(1)} s`);
  } catch (error) {
    console.error(`packages: FAILED: ${name}\n${error.message}`);
    process.exit(1);
  }
}
console.log(`packages: all ${Object.keys(steps).length} steps passed`);

function everyPackageIsKnown() {
  const folders = [...readdirSync("packages").map((name) => `packages/${name}`), "gen"];
  const publishable = folders.filter((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return manifest.private !== true;
  });
  const known = published.map(({ folder }) => folder);
  const problems = publishable
    .filter((folder) => !known.includes(folder))
    .map((folder) => `${folder} is not private and not in scripts/packages/published.mjs: add it there`);
  return none(problems, `${known.length} of them`);
}

async function buildAll() {
  await runNode(["scripts/build/run.mjs"]);
  return "done";
}

/** The server and the client in processes of their own, from where the packages are installed. */
async function runSample(files, serverProgram, clientProgram) {
  const server = await startServer([files.server, "--port", "0"], { cwd: project, program: serverProgram });
  const client = await runNode([files.client, server.url], { cwd: project, program: clientProgram });
  await server.stop();
  return asExpected(client);
}

async function runWith(program) {
  for (const files of [esm, cjs]) {
    await runSample(files, program, undefined);
    await runSample(files, undefined, program);
  }
  return "the sample, each as server and as client of Node, by import and by require()";
}

async function runExamples() {
  for (const { name, file, prints } of examples) {
    const { stdout, stderr } = await runNode([file], { cwd: project });
    if (stdout !== prints || stderr !== "")
      throw new Error(
        `${name}: the example of its README prints\n${stdout}${stderr}\nand the README says\n${prints}`,
      );
  }
  return `${examples.length} print what they say`;
}

/** The bundle runs in a folder without packages: what it needs is in it. */
async function bundleClient() {
  const alone = join(work, "alone");
  mkdirSync(alone);
  const sizes = await bundle(join(project, "esm/client.js"), join(work, "bundled.mjs"));
  copyFileSync(join(work, "bundled.mjs"), join(alone, "client.mjs"));
  const server = await startServer(["esm/server.js", "--port", "0"], { cwd: project });
  asExpected(await runNode(["client.mjs", server.url], { cwd: alone }));
  await server.stop();
  const outcome = `runs alone, ${sizes.raw} bytes, ${sizes.gzip} zipped`;
  if (options.write) writeSizes(sizes);
  return options.write ? `${outcome}, written` : none(sizeProblems(sizes), `${outcome}, as docs say`);
}

function asExpected({ stdout, stderr }) {
  if (stdout === expected && stderr === "") return `${expected.trim().split("\n").length} lines as expected`;
  throw new Error(
    `it prints\n${stdout}${stderr}\nand samples/greet/expected-output.txt, with nothing on stderr, is\n${expected}`,
  );
}

async function each(problemsOf) {
  const problems = [];
  for (const one of published) problems.push(...(await problemsOf(one)));
  return none(problems, `nothing to say of ${published.length} packages`);
}

function none(problems, outcome) {
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return outcome;
}

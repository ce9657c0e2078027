// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { start, within } from "./child.mjs";

/** The repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const schema = join(root, "proto/greet/greet.proto");
const buildMs = 20 * 60_000;

/** Runs a tool to its end; gives its last lines, or throws with them. */
export async function run(needs, command, options) {
  const child = start(command, options);
  const what = command.join(" ").replaceAll(`${root}/`, "");
  try {
    const { code, missing, said } = await within(
      buildMs,
      `${what}: no end within ${buildMs / 60_000} minutes`,
      child.exited,
    );
    if (missing) throw new Error(`${command[0]} is not on the PATH: ${needs}`);
    if (code !== 0) throw new Error([`${what} ${said}`, ...child.tail()].join("\n"));
    return child.tail().join("\n");
  } finally {
    child.kill();
  }
}

/** All files below a folder. */
export function files(folder, skipped = []) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !skipped.includes(name))
    .flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort();
}

/** Builds unless the outputs are there and were made from the very same inputs. */
export async function unlessBuilt({ inputs, outputs, stamp, rebuild }, build) {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  for (const file of inputs) hash.update(`${relative(root, file)}\n`).update(readFileSync(file));
  const digest = hash.digest("hex");
  const built = outputs.every(existsSync) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest;
  if (built && !rebuild) return false;
  rmSync(stamp, { force: true });
  await build();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
  return true;
}

const go = join(root, "interop/dubbo-go");
const goNeeds = "the dubbo-go peer needs Go 1.24 or newer";
export const goPeer = join(go, "bin", process.platform === "win32" ? "peer.exe" : "peer");
const goMessages = "greet/greet.pb.go";

function generateInto(folder) {
  const buf = join(root, "node_modules/@bufbuild/buf/bin/buf");
  return run(goNeeds, [process.execPath, buf, "generate", "--template", "buf.gen.yaml", "-o", folder], {
    cwd: go,
  });
}

/** Writes the Go messages anew. */
export const generateGo = () => generateInto(".");

/** Builds the dubbo-go peer; fails when its committed messages are not those of the schema. */
export function buildGo({ rebuild }) {
  const inputs = [...files(go, ["bin", "build"]), schema];
  return unlessBuilt({ inputs, outputs: [goPeer], stamp: join(go, "bin/stamp"), rebuild }, async () => {
    await run(goNeeds, ["go", "version"], { cwd: go });
    await generateInto("build");
    if (readFileSync(join(go, goMessages), "utf8") !== readFileSync(join(go, "build", goMessages), "utf8")) {
      throw new Error(
        `interop/dubbo-go/${goMessages} is not what proto/greet/greet.proto gives: run node interop/run.mjs --generate`,
      );
    }
    // without debug information: the linker takes half the time
    await run(goNeeds, ["go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", goPeer, "."], { cwd: go });
  });
}

const java = join(root, "interop/dubbo-java");
const javaNeeds = "the dubbo-java peer needs a JDK, 17 or newer, and Maven";
const jar = join(java, "target/peer.jar");
export const classPath = [jar, join(java, "target/lib/*")].join(process.platform === "win32" ? ";" : ":");

/** Builds the dubbo-java peer. */
export function buildJava({ rebuild }) {
  const inputs = [...files(java, ["target"]), schema];
  return unlessBuilt({ inputs, outputs: [jar], stamp: join(java, "target/stamp"), rebuild }, async () => {
    const said = await run(javaNeeds, ["java", "-version"], { cwd: java });
    const major = Number(/version "(\d+)/.exec(said)?.[1]);
    if (!(major >= 17)) throw new Error(`java is version ${major}: ${javaNeeds}`);
    await run(javaNeeds, ["mvn", "-q", "-B", "package"], { cwd: java });
  });
}

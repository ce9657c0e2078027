// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Code } from "@connectrpc/connect";
import { inWords, outcomeOf, quoted, type Situation } from "../situation.js";

const child = fileURLToPath(new URL("../child.ts", import.meta.url));

export const killedServer: Situation = {
  when: "the server's process is killed after 3 messages of a stream",
  goodIf: "the loop throws `Unavailable`: nobody has cancelled, and another server may be tried",
  async observe(library) {
    const args = ["--conditions=@tristream/source", "--import", "tsx", child, library.name];
    const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const port = await Promise.race([once(server.stdout, "data"), once(server, "exit")]);
    if (server.exitCode !== null) throw new Error("the server's process has ended");
    const client = library.connect(Number(String(port[0])));
    const read = async (): Promise<void> => {
      let n = 0;
      for await (const _ of client.greetServerStream({ name: "a" })) if (++n === 3) server.kill("SIGKILL");
    };
    const outcome = await outcomeOf(library, read());
    server.kill("SIGKILL");
    await client.close();
    if (outcome.is === "reply") return { good: false, saw: "the loop ends, as if all had come" };
    // Its first clause: the system's words for a peer that is gone differ from run to run.
    const text = outcome.is === "error" ? `: ${quoted(outcome.text.split(": ")[0] ?? "")}` : "";
    return {
      good: outcome.is === "error" && outcome.code === Code.Unavailable,
      saw: `${inWords(outcome)}${text}`,
    };
  },
};

// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** Go's HPACK in a process of its own: see go/main.go. */
export class GoCodec {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly waiting: ((answer: string) => void)[] = [];
  private readonly failed: Promise<never>;
  private unsent: string[] = [];

  constructor(program: string) {
    this.child = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.child.stdout }).on("line", (line) => this.waiting.shift()?.(line));
    this.failed = new Promise((_, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code) => reject(new Error(`Go's HPACK ended with code ${code}`)));
    });
    this.failed.catch(() => {});
  }

  /** Sends a command that has no answer. */
  tell(command: string): void {
    // All commands of a turn in one write.
    if (this.unsent.length === 0) setImmediate(() => this.flush());
    this.unsent.push(command, "\n");
  }

  /** Sends a command and gives its answer. */
  ask(command: string): Promise<string> {
    this.tell(command);
    const answer = new Promise<string>((resolve) => this.waiting.push(resolve));
    return Promise.race([answer, this.failed]);
  }

  end(): void {
    this.flush();
    this.child.stdin.end();
  }

  private flush(): void {
    this.child.stdin.write(this.unsent.join(""));
    this.unsent = [];
  }
}

/** The hex of a text of which every char code is a byte. */
export function hex(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}

/** Fields as the program has them; `secret` marks those that are never to be indexed. */
export function formatFields(
  fields: readonly string[],
  secret: (name: string, value: string) => boolean,
): string {
  const parts: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [name = "", value = ""] = [fields[i], fields[i + 1]];
    parts.push(`${hex(name)}=${hex(value)}${secret(name, value) ? "!" : ""}`);
  }
  return parts.join(" ");
}

// SPDX-License-Identifier: Apache-2.0
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { ChatService, type Members } from "@tristream/gen/chat/chat_pb.js";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  createTransport,
  type HandleOf,
} from "@tristream/node";
import { printable } from "./printable.js";

/** The time between two attempts to join again, in milliseconds. */
const rejoinMs = 200;

type Call = HandleOf<typeof ChatService.method.join>;

/**
 * Joins the room at `address` and says each line of `input`, until the input ends or a line is `/leave`. If the server is lost, joins
 * again. Rejects if the first attempt to join fails.
 */
export async function chat(address: string, name: string, input: NodeJS.ReadableStream): Promise<void> {
  await using transport = createTransport(address, { maxReconnectDelayMs: rejoinMs });
  const member = new Member(name, createClient(ChatService, transport), input);
  await member.stay();
}

class Member {
  private readonly name: string;
  private readonly client: Client<typeof ChatService>;
  private readonly terminal;
  private readonly lines: AsyncIterator<string>;
  /** The line that is said next. The line stays here until the room's call has taken it, so a lost call loses no line. */
  private line: Promise<IteratorResult<string>> | null = null;
  private state: "new" | "in the room" | "gone" = "new";

  constructor(name: string, client: Client<typeof ChatService>, input: NodeJS.ReadableStream) {
    this.name = name;
    this.client = client;
    this.terminal = createInterface({ input });
    this.lines = this.terminal[Symbol.asyncIterator]();
  }

  async stay(): Promise<void> {
    try {
      while (!(await this.join())) await sleep(rejoinMs);
    } finally {
      this.terminal.close();
    }
  }

  /** One call. Returns true if the member has left, and false if the call was lost. */
  private async join(): Promise<boolean> {
    await using call = this.client.join();
    try {
      await call.send({ action: { case: "name", value: this.name } });
      // Two loops, both awaited: an error of one of them is seen, and leaving the block ends the other.
      await Promise.all([this.listen(call), this.talk(call)]);
      return true;
    } catch (error) {
      if (this.state === "new" || !mayRejoin(error)) throw error;
      if (this.state === "in the room") print(`* the room is lost: ${error.rawMessage}. Joining again…`);
      this.state = "gone";
      return false;
    }
  }

  private async listen(call: Call): Promise<void> {
    for await (const { event } of call) {
      if (event.case === "members") this.joined(event.value);
      else if (event.case === "said") print(`${event.value.name}: ${event.value.text}`);
      else if (event.case === "left") print(`* ${event.value} left`);
      else if (event.case === "joined" && event.value !== this.name) print(`* ${event.value} joined`);
    }
  }

  private joined(members: Members): void {
    print(this.state === "gone" ? "* you are back" : "* you joined");
    this.state = "in the room";
    printMembers(members);
  }

  private async talk(call: Call): Promise<void> {
    for (;;) {
      this.line ??= this.lines.next();
      const { done, value } = await this.line;
      if (done === true || value === "/leave") break;
      if (value === "/who") printMembers((await this.client.listMembers({})).members);
      else await call.send({ action: { case: "text", value } });
      this.line = null;
    }
    await call.closeRequest();
  }
}

/** True if the server is gone, or has not yet seen that the last call is over. */
function mayRejoin(error: unknown): error is ConnectError {
  return error instanceof ConnectError && [Code.Unavailable, Code.AlreadyExists].includes(error.code);
}

function printMembers(members: Members | undefined): void {
  print(`* here: ${members?.names.join(", ")}`);
}

/** Prints a line; a peer's text can't move the cursor. */
function print(line: string): void {
  console.log(printable(line));
}

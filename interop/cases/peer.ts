// SPDX-License-Identifier: Apache-2.0

import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  type Client,
  type ClientOptions,
  Code,
  ConnectError,
  createClient,
  createTransport,
} from "@tristream/node";

/** The other end. */
export type Server = "go" | "java" | "tristream";

export function isServer(name: string): name is Server {
  return name === "go" || name === "java" || name === "tristream";
}

type Greeter = Client<typeof GreetService>;

/** The server that a case talks to. */
export interface Peer {
  readonly server: Server;
  readonly greeter: Greeter;
  /** A client of another group, version or interface on the same connection. */
  select(options: ClientOptions<typeof GreetService>): Greeter;
}

/** A case of the rig, by its name; it rejects when the peer does something else. */
export type Cases = Readonly<Record<string, (to: Peer) => Promise<void>>>;

export function connect(url: string, server: Server): Peer {
  const transport = createTransport(url);
  return {
    server,
    greeter: createClient(GreetService, transport),
    select: (options) => createClient(GreetService, transport, options),
  };
}

/** Compares by value; what it prints stays short. */
export function same(what: string, got: unknown, want: unknown): void {
  if (JSON.stringify(got) === JSON.stringify(want)) return;
  throw new Error(`${what}: got ${brief(got)}, want ${brief(want)}`);
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} letters)` : text;
}

/** Checks that a call fails with a code, and gives its error. */
export async function fails(what: string, call: Promise<unknown>, code: number): Promise<ConnectError> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (error) {
    if (!(error instanceof ConnectError)) throw new Error(`${what}: no ConnectError`, { cause: error });
    if (Number(error.code) === code) return error;
    throw new Error(`${what}: got ${error.message}, want ${Code[code] ?? code}`, { cause: error });
  }
  throw new Error(`${what}: no error but ${brief(answer)}, want ${Code[code] ?? code}`);
}

export async function greets(to: Peer, name: string, want: string): Promise<void> {
  const { greeting } = await to.greeter.greet({ name });
  same("greet", greeting, want);
}

/** Asks how the server saw a call end. */
export async function outcome(to: Peer, key: string, ...wants: string[]): Promise<void> {
  const { greeting } = await to.greeter.greet({ name: `outcome:${key}` });
  if (!wants.includes(greeting))
    throw new Error(`the server's handler saw ${greeting}, want ${wants.join(" or ")}`);
}

/** Collects what a stream gives; into `got`, to see what came before an error. */
export async function all(
  stream: AsyncIterable<{ greeting: string }>,
  got: string[] = [],
): Promise<string[]> {
  for await (const { greeting } of stream) got.push(greeting);
  return got;
}

export function numbered(text: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${text} ${i}`);
}

/** A key that no other client uses. */
export function uniqueKey(name: string): string {
  return `tristream-${process.pid}-${name}`;
}

export async function* named(names: Iterable<string>): AsyncGenerator<{ name: string }> {
  for (const name of names) yield { name };
}

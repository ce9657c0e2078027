// SPDX-License-Identifier: Apache-2.0
// The texts of docs/errors.md, and what its tests share.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  ConnectError,
  createClient,
  createTransport,
  type Logger,
  type ServeOptions,
  serve,
  type TransportOptions,
  type TripleRouter,
} from "@tristream/node";

export const page: string = await readFile(new URL("../../../docs/errors.md", import.meta.url), "utf8");
/** The texts of each numbered situation of the page: the lines of its text blocks. */
export const situations: ReadonlyMap<number, readonly string[]> = new Map(
  [...page.matchAll(/^## (\d+)\. .*\n([\s\S]*?)(?=^## )/gm)].map(([, number, section]) => [
    Number(number),
    [...section!.matchAll(/^```text\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
      block!.trimEnd().split("\n"),
    ),
  ]),
);
export const seen: Map<number, Set<string>> = new Map();

/** The texts that differ from run to run, as the page writes them. */
function asOnThePage(text: string, port: number): string {
  return (
    text
      .replaceAll(`:${port}`, ":20000")
      .replaceAll(`port ${port}`, "port 20000")
      .replace(/called by 127\.0\.0\.1:\d+/, "called by 127.0.0.1:50000")
      .replace(/connection with 127\.0\.0\.1:\d+/, "connection with 127.0.0.1:50000")
      .replace(/the client at 127\.0\.0\.1:\d+/, "the client at 127.0.0.1:50000")
      .replace(/\(id [a-z0-9]{8}\)/, "(id k3x9b2m7)")
      .replace(/next attempt is in \d+ ms/, "next attempt is in 1000 ms")
      .replace(/still runs \d+ ms/, "still runs 5002 ms")
      .replace(/has ended, \d+ ms/, "has ended, 7310 ms")
      .replace(/since \d+ bytes wait/, "since 134465 bytes wait")
      // The client sends what connecting has left of its minute.
      .replace(/deadline of 59\d{3} ms/, "deadline of 60000 ms")
      .replaceAll(`unix:${join(tmpdir(), "tristream-no-such-socket")}`, "unix:/run/greet.sock")
  );
}

/** Expects that a text is one line, stands in its situation on the page, and is what the test says. */
export function expectText(situation: number, text: string, port: number, expected: string): void {
  expect(text).not.toContain("\n");
  const normal = asOnThePage(text, port);
  expect(normal).toBe(expected);
  expect(situations.get(situation)).toContain(expected);
  seen.set(situation, (seen.get(situation) ?? new Set()).add(expected));
}

export async function errorOf(call: PromiseLike<unknown>): Promise<ConnectError> {
  const error: unknown = await call.then(
    () => "it went well",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

/** A logger that keeps all lines. */
export function keeping(): Logger & { readonly lines: string[]; line(start: string): Promise<string> } {
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  const keep = (level: string) => (line: string) => {
    lines.push(`${level}: ${line}`);
    for (const wake of waiting.splice(0)) wake();
  };
  return {
    lines,
    error: keep("error"),
    warn: keep("warn"),
    info: keep("info"),
    debug: keep("debug"),
    async line(start) {
      for (;;) {
        const found = lines.find((line) => line.startsWith(start));
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}

/** A greeter, and a client of it. */
export async function start(
  routes: (router: TripleRouter) => unknown,
  { transport: options, ...rest }: Partial<ServeOptions> & { transport?: TransportOptions } = {},
) {
  const logger = keeping();
  const server = await serve({ host: "127.0.0.1", port: 0, logger, ...rest, routes });
  const transport = createTransport(server.url, options);
  return {
    logger,
    server,
    transport,
    port: server.port,
    client: createClient(GreetService, transport),
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.shutdown({ graceMs: 0 });
    },
  };
}

/** A server of Node's own on a port of its own. */
export async function listening(server: Server) {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const transport = createTransport(`tri://127.0.0.1:${port}`);
  return {
    port,
    client: createClient(GreetService, transport),
    async [Symbol.asyncDispose]() {
      await transport.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const echo = (router: TripleRouter) =>
  router.service(GreetService, {
    greet: ({ name }) => ({ greeting: name }),
    async *greetStream(requests) {
      for await (const { name } of requests) yield { greeting: name };
    },
  });

// SPDX-License-Identifier: Apache-2.0
// Mutant: node/src/serve.ts # if (socketPath !== undefined) checkSocketPath(socketPath);
// Mutant: core/src/client/call/method-caller.ts # address.includes("%") ? => false ?
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient, createTransport, serve, type TripleRouter } from "@tristream/node";
import { errorOf } from "../../core/tests/events.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tristream-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const logger = { error() {}, warn() {}, info() {}, debug() {} };
const routes = (router: TripleRouter) =>
  router.service(
    GreetService,
    { greet: (_, { group, version }) => ({ greeting: `${group}|${version}` }) },
    {
      group: "g",
      version: "1",
    },
  );

it("a path that the system would cut is refused by serve and by createTransport: nothing is made", async () => {
  const socketPath = join(folder, "x".repeat(120));
  const error = await errorOf(
    serve({ socketPath, logger, routes }).then((server) => server.shutdown({ graceMs: 0 })),
  );
  expect(error.code).toBe(Code.InvalidArgument);
  expect(error.rawMessage).toContain(`has ${socketPath.length} bytes`);
  expect(() => createTransport(`unix:${socketPath}`)).toThrow(`has ${socketPath.length} bytes`);
  expect(await readdir(folder)).toEqual([]);
});

it.each(["s.sock", "a?b;c%25.sock"])(
  "group and version in the address of the socket %s are asked for",
  async (name) => {
    await using server = await serve({ socketPath: join(folder, name), logger, routes });
    await using transport = createTransport(`${server.url}?group=g&version=1`);
    expect((await createClient(GreetService, transport).greet({})).greeting).toBe("g|1");
  },
);

it("an IPv6 address with a zone is connected to, and the zone is not sent", async () => {
  const loopback = Object.entries(networkInterfaces()).find(([, all]) =>
    all?.some(({ address }) => address === "::1"),
  );
  expect(loopback).toBeDefined();
  const host = `::1%${loopback![0]}`;
  let authority: string | undefined;
  await using server = await serve({
    host,
    port: 0,
    logger,
    routes: (router) =>
      router.service(GreetService, {
        greet(_, { url }) {
          authority = new URL(url).host;
          return {};
        },
      }),
  });
  await using transport = createTransport(server.url);
  await createClient(GreetService, transport).greet({});
  expect(authority).toBe(`[::1]:${server.port}`);
});

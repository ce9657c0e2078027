// SPDX-License-Identifier: Apache-2.0
// Mutant: services/src/health/health.ts # if (status !== last) yield { status }; => yield { status };
// Mutant: services/src/health/health.ts # if (shutdownSignal.aborted) return; => if (false) return;
// Mutant: services/src/health/health.ts # this.watchers.tell(key);
// Mutant: services/src/health/health.ts # this.watchers.tellAll() => undefined
// Mutant: services/src/health/watch-health.ts # if (signal?.aborted === true) return; => if (false) return;
// Mutant: services/src/health/watch-health.ts # checkOptions("watchHealth", options, watchOptionKinds);
// Mutant: services/src/health/watch-health.ts # value >= 1 => value >= 0
// Mutant: services/src/health/watch-health.ts # if (last !== "UNREACHABLE") yield "UNREACHABLE"; => yield "UNREACHABLE";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport, serve, type TripleRouter } from "@tristream/node";
import { createHealth, watchHealth } from "@tristream/services";
import { createClock, loopback } from "@tristream/testing";
import { errorOf, happening } from "../../core/tests/events.js";
import {
  Health as HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "../src/schemas/grpc/health/v1/health_pb.js";

function start() {
  const health = createHealth();
  const link = loopback({
    routes: (router) => {
      health.register(router);
      // Registered later, and known all the same.
      router.service(GreetService, {}, { group: "g", version: "1.0.0" });
    },
  });
  return { health, link, client: createClient(HealthService, link.transport) };
}

test("the server and its registered services are serving, by name, group and version", async () => {
  const { link, client } = start();
  await using _link = link;
  for (const service of ["", "g/greet.GreetService:1.0.0", "grpc.health.v1.Health"])
    expect(await client.check({ service })).toMatchObject({ status: Status.SERVING });
  const error = await errorOf(client.check({ service: "greet.GreetService" }));
  expect(error.code).toBe(Code.NotFound);
  expect(error.rawMessage).toBe('no service "greet.GreetService"');
});

test("a status that was set is checked and listed", async () => {
  const { health, link, client } = start();
  await using _link = link;
  const key = { service: "greet.GreetService", group: "g", version: "1.0.0" };
  health.set(key, "NOT_SERVING");
  health.set("database", "UNKNOWN");
  expect(health.get(key)).toBe("NOT_SERVING");
  expect(await client.check({ service: "g/greet.GreetService:1.0.0" })).toMatchObject({
    status: Status.NOT_SERVING,
  });
  const { statuses } = await client.list({});
  expect(Object.fromEntries(Object.entries(statuses).map(([name, { status }]) => [name, status]))).toEqual({
    "": Status.SERVING,
    database: Status.UNKNOWN,
    "g/greet.GreetService:1.0.0": Status.NOT_SERVING,
    "grpc.health.v1.Health": Status.SERVING,
  });
});

test("a status that there is not, and more than 10,000 services, are refused", () => {
  const health = createHealth();
  expect(() => health.set("", "OK" as never)).toThrow('the status is "OK": pass "SERVING"');
  for (let i = 0; i < 9999; i++) health.set(`s${i}`, "SERVING");
  expect(() => health.set("one more", "SERVING")).toThrow("the status of 10000 services is set");
  health.set("s1", "NOT_SERVING");
});

test("a watcher hears each change once, and the last one if it was slow", async () => {
  const { health, link, client } = start();
  await using _link = link;
  const stream = client.watch({ service: "later" });
  expect(await stream.receive()).toMatchObject({ status: Status.SERVICE_UNKNOWN });
  health.set("later", "SERVING");
  expect(await stream.receive()).toMatchObject({ status: Status.SERVING });
  health.set("later", "SERVING");
  // Two round trips: the watcher has seen that nothing changed.
  for (let i = 0; i < 2; i++) await client.check({ service: "later" });
  health.set("later", "UNKNOWN");
  health.set("later", "NOT_SERVING");
  expect(await stream.receive()).toMatchObject({ status: Status.NOT_SERVING });
  await stream.closeResponse();
});

test("a watcher hears that its service is registered later", async () => {
  let router!: TripleRouter;
  await using link = loopback({
    routes: (given) => {
      router = given;
      createHealth().register(given);
    },
  });
  const stream = createClient(HealthService, link.transport).watch({ service: "greet.GreetService" });
  expect(await stream.receive()).toMatchObject({ status: Status.SERVICE_UNKNOWN });
  router.service(GreetService, {});
  expect(await stream.receive()).toMatchObject({ status: Status.SERVING });
  await stream.closeResponse();
});

test("a shutdown turns all statuses to NOT_SERVING and is not held up by watchers", async () => {
  const { link, client } = start();
  await using _link = link;
  const stream = client.watch({ service: "" });
  expect(await stream.receive()).toMatchObject({ status: Status.SERVING });
  const report = link.server.shutdown({ graceMs: Number.POSITIVE_INFINITY });
  expect(await stream.receive()).toMatchObject({ status: Status.NOT_SERVING });
  expect(await stream.receive()).toBeUndefined();
  expect(await report).toEqual({ finished: 1, cut: 0 });
});

test("watchHealth goes on over a restart of the server, and ends by break", async () => {
  const routes = (health = createHealth()) => ({ host: "127.0.0.1", routes: health.register.bind(health) });
  const first = await serve({ ...routes(), port: 0 });
  const { port } = first;
  await using transport = createTransport(first.url, { maxReconnectDelayMs: 0 });
  const clock = createClock();
  const statuses: string[] = [];
  let second: Awaited<ReturnType<typeof serve>> | undefined;
  for await (const status of watchHealth(transport, "", { clock, retryMs: 10 })) {
    statuses.push(status);
    if (statuses.length === 1) void first.shutdown({ graceMs: 0 });
    if (status === "UNREACHABLE") {
      second = await serve({ ...routes(), port });
      void clock.advance(10);
    }
    if (statuses.length === 4) break;
  }
  expect(statuses).toEqual(["SERVING", "NOT_SERVING", "UNREACHABLE", "SERVING"]);
  await second?.shutdown({ graceMs: 0 });
});

test("watchHealth says UNREACHABLE once however often it tries, and ends by its signal", async () => {
  const clock = createClock();
  await using transport = createTransport("tri://127.0.0.1:1", { maxReconnectDelayMs: 0 });
  const controller = new AbortController();
  const statuses: string[] = [];
  const unreachable = happening();
  const watch = (async () => {
    const options = { signal: controller.signal, clock, retryMs: 10, maxRetryMs: 20 };
    for await (const status of watchHealth(transport, "", options)) {
      statuses.push(status);
      unreachable.tell();
    }
  })();
  const failed = errorOf(watch);
  await unreachable;
  for (let i = 0; i < 5; i++) await clock.advance(20);
  controller.abort(new ConnectError("enough", Code.Canceled));
  expect((await failed).rawMessage).toBe("enough");
  expect(statuses).toEqual(["UNREACHABLE"]);
});

test("watchHealth ends at once if its signal fires while the loop handles UNREACHABLE", async () => {
  // A clock that stands still: a pause would never end.
  const clock = createClock();
  await using transport = createTransport("tri://127.0.0.1:1", { maxReconnectDelayMs: 0 });
  const controller = new AbortController();
  const watch = (async () => {
    for await (const status of watchHealth(transport, "", { signal: controller.signal, clock })) {
      expect(status).toBe("UNREACHABLE");
      controller.abort(new Error("enough"));
    }
  })();
  const error = await errorOf(watch);
  expect(error.code).toBe(Code.Canceled);
  expect(error.rawMessage).toBe("enough");
});

test.each([
  [{ retryMs: 0 }, "option retryMs of watchHealth is 0: pass milliseconds from 1 to 2147483647"],
  [{ maxRetryMs: Number.NaN }, "option maxRetryMs of watchHealth is NaN"],
  [{ maxRetryMs: Number.POSITIVE_INFINITY }, "option maxRetryMs of watchHealth is Infinity"],
  [{ signal: {} as never }, "option signal of watchHealth is"],
  [{ clock: Date as never }, "option clock of watchHealth is"],
  [{ retry: 5 } as never, 'watchHealth has no option "retry"'],
])("watchHealth refuses %p", async (options, text) => {
  await using link = loopback({ routes: () => {} });
  expect(() => watchHealth(link.transport, "", options)).toThrow(text);
});

test("watchHealth ends with UNIMPLEMENTED at a server without the service", async () => {
  await using link = loopback({ routes: (router) => router.service(GreetService, {}) });
  const statuses: string[] = [];
  for await (const status of watchHealth(link.transport, "")) statuses.push(status);
  expect(statuses).toEqual(["UNIMPLEMENTED"]);
});

// SPDX-License-Identifier: Apache-2.0

// #region
import assert from "node:assert/strict";
import { test } from "node:test";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient } from "@tristream/node";
import { createClock, loopback } from "@tristream/testing";
import { routes } from "./greeter.js";

test("greets", async () => {
  await using link = loopback({ routes }); // takes what serve() takes, but for the address
  const client = createClient(GreetService, link.transport);
  assert.equal((await client.greet({ name: "a" })).greeting, "hello a");
});

test("the connection is lost", async () => {
  await using link = loopback({ routes });
  const chat = createClient(GreetService, link.transport).greetStream();
  await chat.send({ name: "a" });
  await chat.receive();
  link.pair.cut("the cable was pulled");
  await assert.rejects(chat.receive(), { code: Code.Unavailable });
});

test("the deadline passes", async () => {
  const clock = createClock();
  const never = new Promise<never>(() => {});
  await using link = loopback({
    routes: (router) => router.service(GreetService, { greet: () => never }),
    clock, // time stands still until the test advances it
  });
  const client = createClient(GreetService, link.transport, { timeoutMs: 5000 });
  const rejected = assert.rejects(client.greet({}), { code: Code.DeadlineExceeded });
  await clock.advance(5_004);
  await rejected;
});
// #endregion

// SPDX-License-Identifier: Apache-2.0
import { nearestName } from "./nearest-name.js";

const methods = ["Greet", "GreetStream", "GreetClientStream", "GreetServerStream"];
const services = ["greet.GreetService", "org.example.Library", "grpc.health.v1.Health"];

test.each([
  ["Gret", methods, "Greet"],
  ["Great", methods, "Greet"],
  ["Geret", methods, "Greet"],
  ["Greets", methods, "Greet"],
  ["GREET", methods, "Greet"],
  ["greetstream", methods, "GreetStream"],
  ["GreetSteam", methods, "GreetStream"],
  ["GreetClintStream", methods, "GreetClientStream"],
  ["GreetSreverStream", methods, "GreetServerStream"],
  ["greet.GretService", services, "greet.GreetService"],
  ["Greet.GreetService", services, "greet.GreetService"],
  ["GreetService", services, "greet.GreetService"],
  ["com.another.Library", services, "org.example.Library"],
])("%s was meant to be %s", (asked, names, meant) => {
  expect(nearestName(asked, names)).toBe(meant);
});

test.each([
  ["SayHello", methods],
  ["Hello", methods],
  ["", methods],
  ["G", methods],
  ["x".repeat(65), ["x".repeat(65)]],
  ["greet.Other", services],
  ["Greet", []],
])("%j is near to nothing", (asked, names) => {
  expect(nearestName(asked, names)).toBeUndefined();
});

test("the nearest of several is found, the first of equals", () => {
  expect(nearestName("Lista", ["Lists", "List", "Listing"])).toBe("Lists");
  expect(nearestName("Listing", ["List", "Lists", "Listing"])).toBe("Listing");
});

test("many and long names of whoever asks take a bounded time", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `${"ab".repeat(28)}${i}`);
  const start = process.cpuUsage();
  for (const asked of ["ba".repeat(31), "x".repeat(64), "a".repeat(60_000)]) nearestName(asked, names);
  // Of this process: others may have the processor meanwhile.
  expect(process.cpuUsage(start).user).toBeLessThan(1_000_000);
});

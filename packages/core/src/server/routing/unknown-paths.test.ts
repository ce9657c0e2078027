// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/server/routing/unknown-paths.ts # if (this.answers.size <= mostKept && this.characters <= mostKeptCharacters) return; => return;
// Mutant: core/src/server/routing/unknown-paths.ts # && this.characters <= mostKeptCharacters
// Mutant: core/src/server/routing/unknown-paths.ts # this.answers.clear();
// Mutant: core/src/server/routing/unknown-paths.ts # !this.searches.take(this.clock.now()) => false
// Mutant: core/src/server/routing/unknown-paths.ts # if (known !== undefined) return known;
import { UnknownPaths } from "./unknown-paths.js";

function start() {
  let time = 0;
  const paths = new UnknownPaths({ now: () => time, after: () => () => {} });
  paths.add("/greet.GreetService/Greet");
  paths.add("/greet.GreetService/Wave");
  return {
    paths,
    text: (path: string) => paths.answer(path).rawMessage,
    advance: (ms: number) => {
      time += ms;
    },
  };
}

test.each([
  [
    "/greet.GreetService/Gret",
    'unknown method "Gret" of greet.GreetService: did you mean "Greet"? offered are Greet, Wave',
  ],
  [
    "/greet.GretService/Greet",
    'unknown service "greet.GretService": did you mean "greet.GreetService"? offered is greet.GreetService',
  ],
  ["/greet.GreetService/", 'unknown method "" of greet.GreetService: offered are Greet, Wave'],
  [
    "/greet.GreetService",
    'unknown service "/greet.GreetService": did you mean "greet.GreetService"? offered is greet.GreetService',
  ],
  ["//Greet", 'unknown service "//Greet": offered is greet.GreetService'],
  ["*", 'unknown service "*": offered is greet.GreetService'],
  ["", 'unknown service "": offered is greet.GreetService'],
])("the answer to %j is %j", (path, text) => {
  expect(start().text(path)).toBe(text);
});

test("50 answers at once have a hint, and 10 more in each second; the others say only what is unknown", () => {
  const { text, advance } = start();
  let n = 0;
  const hints = (count: number): number => {
    let hinted = 0;
    for (let i = 0; i < count; i++) if (text(`/greet.GreetService/Gree${n++}`).includes("offered")) hinted++;
    return hinted;
  };
  expect(hints(1000)).toBe(50);
  expect(text("/greet.GreetService/Gre")).toBe('unknown method "Gre" of greet.GreetService');
  expect(text("/gret.GreetService/Greet")).toBe('unknown service "gret.GreetService"');
  advance(1000);
  expect(hints(1000)).toBe(10);
});

test("a mistake that is repeated keeps its hint beside a flood of others", () => {
  const { paths, text } = start();
  const first = paths.answer("/greet.GreetService/Gret");
  for (let i = 0; i < 1000; i++) text(`/greet.GreetService/x${i}`);
  expect(paths.answer("/greet.GreetService/Gret")).toBe(first);
  expect(first.rawMessage).toContain("did you mean");
});

test("at most 256 answers are kept, the newest", () => {
  const { paths, text, advance } = start();
  for (let i = 0; i < 1000; i++) {
    advance(1000);
    text(`/greet.GreetService/x${i}`);
  }
  expect(paths.kept).toBe(256);
  expect(paths.answer("/greet.GreetService/x999")).toBe(paths.answer("/greet.GreetService/x999"));
});

test("answers to long paths are kept up to 65,536 characters", () => {
  const { paths, text, advance } = start();
  for (let i = 0; i < 20; i++) {
    advance(1000);
    text(`/greet.GreetService/${"x".repeat(10_000)}${i}`);
  }
  expect(paths.kept).toBe(6);
  text(`/greet.GreetService/${"x".repeat(100_000)}`);
  expect(paths.kept).toBe(0);
});

test("a path that is registered later changes the answers", () => {
  const { paths, text } = start();
  expect(text("/greet.GreetService/Wve")).toContain('did you mean "Wave"');
  paths.add("/greet.GreetService/Wve2");
  expect(text("/greet.GreetService/Wve")).toContain("Wave, Wve2");
});

// SPDX-License-Identifier: Apache-2.0
import {
  formatMicros,
  formatRate,
  formatSpread,
  median,
  report,
  type Sample,
  summarize,
  table,
} from "./report.js";

const sample = (peer: Sample["peer"], round: number, perSecond: number): Sample => ({
  round,
  scenario: "unary-1",
  peer,
  operations: perSecond,
  seconds: 1,
  perSecond,
  warm: true,
  clientCpuMicros: 2,
  serverCpuMicros: 1,
});

test.each([
  [[3], 3],
  [[5, 1, 3], 3],
  [[4, 1, 3, 2], 2.5],
])("the median of %j is %d", (values, wanted) => {
  expect(median(values)).toBe(wanted);
});

test.each([
  [789.4, "789"],
  [45_612, "45.6 k"],
  [999_700, "999.7 k"],
  [1_234_567, "1.23 M"],
])("a rate of %d is written as %s", (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});

test.each([
  [0.4249, "0.42"],
  [45.21, "45.2"],
  [1340.4, "1340"],
])("%d microseconds are written as %s", (micros, text) => {
  expect(formatMicros(micros)).toBe(text);
});

test("a figure with a round that was not warm is called cold", () => {
  const figures = summarize([sample("grpc-js", 1, 100), { ...sample("grpc-js", 2, 90), warm: false }]);
  const scenarios = [{ name: "unary-1", title: "unary", unit: "call" }];
  expect(report(figures, { scenarios, peers: ["grpc-js"], base: "grpc-js" })).toContain("cold: 95 ");
});

test("rounds of one scenario and peer become one figure", () => {
  const figures = summarize([
    sample("grpc-js", 1, 90),
    sample("tristream", 1, 400),
    sample("grpc-js", 2, 120),
    sample("grpc-js", 3, 100),
  ]);
  expect(figures).toHaveLength(2);
  expect(figures[0]).toMatchObject({ peer: "grpc-js", median: 100, min: 90, max: 120 });
  expect(formatSpread(figures[0] as (typeof figures)[number])).toBe("-10/+20 %");
});

test("the ratios compare the base with each other peer and with the best of them", () => {
  const figures = summarize([
    sample("tristream", 1, 400),
    sample("grpc-js", 1, 100),
    sample("connect-es", 1, 200),
  ]);
  const text = report(figures, {
    scenarios: [{ name: "unary-1", title: "unary", unit: "call" }],
    peers: ["tristream", "connect-es", "grpc-js"],
    base: "tristream",
  });
  const ratios = text.split("\n").find((line) => line.includes("2.00"));
  expect(ratios?.split("|").map((cell) => cell.trim())).toEqual(["", "unary", "2.00", "4.00", "2.00", ""]);
});

test("a table's columns line up", () => {
  const lines = table(
    ["name", "n"],
    [
      ["a", "1"],
      ["longer", "12345"],
    ],
  ).split("\n");
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
});

test("each setting of the base's library is compared with the others, and with the base where there are no others", () => {
  const figures = summarize([
    sample("tristream", 1, 400),
    sample("tristream-protobuf-es", 1, 300),
    sample("grpc-js", 1, 100),
  ]);
  const scenarios = [{ name: "unary-1", title: "unary", unit: "call" }];
  const ratios = (peers: Sample["peer"][]) =>
    report(figures, { scenarios, peers, base: "tristream" })
      .split("\n\n")
      .filter((text) => text.includes("times as fast"))
      .map((text) => text.split("\n")[2]!.split("|")[2]!.trim());
  expect(ratios(["tristream", "tristream-protobuf-es", "grpc-js"])).toEqual(["4.00", "3.00"]);
  expect(ratios(["tristream", "tristream-protobuf-es"])).toEqual(["1.33"]);
});

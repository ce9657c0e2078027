// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { bars, chart, chartTitle } from "./chart.js";
import type { PeerName } from "./load-peer.js";
import type { Figure } from "./report.js";
import { scenarios } from "./scenarios.js";

const figure = (peer: PeerName, median: number, warm = true): Figure => ({
  scenario: "unary-1",
  peer,
  median,
  min: median,
  max: median,
  warm,
  clientCpuMicros: 1,
  serverCpuMicros: 1,
});
const unary = [{ name: "unary-1", title: "unary" }];

test("a bar compares tristream with the fastest rival, with either codec", () => {
  const figures = [
    figure("tristream", 400),
    figure("tristream-protobuf-es", 300),
    figure("grpc-js", 100),
    figure("nice-grpc", 50),
  ];
  expect(bars(figures, unary)).toEqual([{ title: "unary", ratio: 4, withProtobufEs: 3 }]);
});

test("a cold rival is not compared with", () => {
  const figures = [figure("tristream", 400), figure("grpc-js", 100), figure("connect-es", 300, false)];
  expect(bars(figures, unary)).toEqual([{ title: "unary", ratio: 4, withProtobufEs: undefined }]);
  expect(bars([figure("tristream", 400), figure("grpc-js", 100, false)], unary)).toEqual([]);
});

test("the chart escapes its texts", () => {
  expect(chart([{ title: "a < b & c", ratio: 2, withProtobufEs: undefined }], '"')).toContain(
    "a &lt; b &amp; c",
  );
});

test("docs/speed.svg is drawn from the last whole run", () => {
  const results = new URL("../results/latest.json", import.meta.url);
  const { figures } = JSON.parse(readFileSync(results, "utf8")) as { figures: readonly Figure[] };
  const drawn = readFileSync(new URL("../../docs/speed.svg", import.meta.url), "utf8");
  expect(drawn).toBe(chart(bars(figures, scenarios), chartTitle));
});

test("the README and the bench's README have the figures of the last whole run", () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const { figures } = JSON.parse(read("bench/results/latest.json")) as { figures: readonly Figure[] };
  const drawn = bars(figures, scenarios);

  const [, least, most] = /\*\*([\d.]+) to ([\d.]+) times as fast\*\*/.exec(read("README.md")) ?? [];
  const ratios = drawn.map(({ ratio }) => ratio);
  expect([least, most]).toEqual([Math.min(...ratios).toFixed(1), String(Math.floor(Math.max(...ratios)))]);

  const section = read("bench/README.md").split("\n## The last whole run\n")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| (.+?) +\|.*\| +([\d.]+) \| +([\d.]+) \|$/gm)];
  expect(rows.map(([, title, best, withProtobufEs]) => [title, best, withProtobufEs])).toEqual(
    drawn.map((bar) => [bar.title, bar.ratio.toFixed(1), bar.withProtobufEs?.toFixed(1)]),
  );
});

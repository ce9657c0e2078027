// SPDX-License-Identifier: Apache-2.0
// npm run bench:chart: draws docs/speed.svg from the last whole run of the bench.
import { readFileSync, writeFileSync } from "node:fs";
import { bars, chart, chartTitle } from "./chart.js";
import type { Figure } from "./report.js";
import { scenarios } from "./scenarios.js";

const results = new URL("../results/latest.json", import.meta.url);
const { figures } = JSON.parse(readFileSync(results, "utf8")) as { figures: readonly Figure[] };
writeFileSync(new URL("../../docs/speed.svg", import.meta.url), chart(bars(figures, scenarios), chartTitle));

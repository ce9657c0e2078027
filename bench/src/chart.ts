// SPDX-License-Identifier: Apache-2.0
import { libraryOf, type PeerName } from "./load-peer.js";
import type { Figure } from "./report.js";

/** A bar of the chart: how many times as fast as the fastest rival. */
export interface Bar {
  readonly title: string;
  readonly ratio: number;
  /** The ratio with protobuf-es as the codec on both sides. */
  readonly withProtobufEs: number | undefined;
}

const own: PeerName = "tristream";
const ownWithProtobufEs: PeerName = "tristream-protobuf-es";

/** Returns a bar for each scenario of `figures`. Cold figures of a rival count nowhere: the rival may be faster than they say. */
export function bars(
  figures: readonly Figure[],
  scenarios: readonly { readonly name: string; readonly title: string }[],
): Bar[] {
  return scenarios.flatMap(({ name, title }) => {
    const of = figures.filter((figure) => figure.scenario === name);
    const rivals = of.filter((figure) => figure.warm && libraryOf(figure.peer) !== libraryOf(own));
    const rate = of.find((figure) => figure.peer === own)?.median;
    if (rate === undefined || rivals.length === 0) return [];
    const best = Math.max(...rivals.map((figure) => figure.median));
    const other = of.find((figure) => figure.peer === ownWithProtobufEs)?.median;
    return [{ title, ratio: rate / best, withProtobufEs: other === undefined ? undefined : other / best }];
  });
}

/** The title of `docs/speed.svg`. */
export const chartTitle = "Throughput on Node, as a multiple of the fastest other library";

const rowHeight = 34;
const left = 222;
const plot = 460;
const top = 84;

/** Draws `bars` as an SVG. Its colours follow the reader's light or dark scheme. */
export function chart(bars: readonly Bar[], title: string): string {
  const end = Math.ceil(Math.max(...bars.map((bar) => bar.ratio)) / 5) * 5;
  const x = (ratio: number) => Math.round((left + (ratio / end) * plot) * 10) / 10;
  const height = top + bars.length * rowHeight + 34;
  const lines: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 ${height}" role="img" aria-label="${escapeText(title)}">`,
    "<style>",
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.small{font-size:11px;fill:#59636e}.title{font-weight:600;font-size:15px}",
    ".own{fill:#0969da}.codec{fill:#54aeff}.grid{stroke:#d1d9e0}.one{stroke:#59636e;stroke-dasharray:3 3}",
    "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.small{fill:#9198a1}.own{fill:#4493f8}.codec{fill:#1f4f8f}.grid{stroke:#3d444d}.one{stroke:#9198a1}}",
    "</style>",
    `<text class="title" x="12" y="24">${escapeText(title)}</text>`,
    `<rect class="own" x="12" y="38" width="12" height="12"/><text class="small" x="30" y="48">Tristream</text>`,
    `<rect class="codec" x="112" y="38" width="12" height="12"/><text class="small" x="130" y="48">Tristream with protobuf-es as its codec</text>`,
    `<text class="small" x="372" y="48">1 = the fastest of connect-es, grpc-js and nice-grpc</text>`,
  ];
  const bottom = top + bars.length * rowHeight;
  for (let tick = 0; tick <= end; tick += 5) {
    lines.push(`<line class="grid" x1="${x(tick)}" y1="${top - 10}" x2="${x(tick)}" y2="${bottom}"/>`);
    lines.push(`<text class="small" x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${tick}</text>`);
  }
  bars.forEach((bar, i) => {
    const y = top + i * rowHeight;
    lines.push(`<text x="${left - 12}" y="${y + 15}" text-anchor="end">${escapeText(bar.title)}</text>`);
    lines.push(`<rect class="own" x="${left}" y="${y}" width="${round(x(bar.ratio) - left)}" height="13"/>`);
    lines.push(
      `<text class="small" x="${round(x(bar.ratio) + 5)}" y="${y + 11}">${bar.ratio.toFixed(1)}×</text>`,
    );
    if (bar.withProtobufEs === undefined) return;
    const width = round(x(bar.withProtobufEs) - left);
    lines.push(`<rect class="codec" x="${left}" y="${y + 14}" width="${width}" height="9"/>`);
  });
  lines.push(`<line class="one" x1="${x(1)}" y1="${top - 10}" x2="${x(1)}" y2="${bottom}"/>`, "</svg>");
  return `${lines.join("\n")}\n`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

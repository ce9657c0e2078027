// SPDX-License-Identifier: Apache-2.0
// docs/errors.md and the texts in the sources can't drift apart: the page has no text that the sources don't have, and the sources have
// no error without a fix that the page doesn't explain.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClient, createTransport, serve, type TripleRouter } from "@tristream/node";
import { echo, errorOf, page } from "./errors-page.js";

const root = new URL("../../", import.meta.url).pathname;
const sources = ["core", "http2", "node"].flatMap((name) =>
  readdirSync(join(root, name, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.includes(".test"))
    .map((path) => ({
      path: `${name}/src/${path}`,
      text: readFileSync(join(root, name, "src", path), "utf8"),
    })),
);
const allSources = sources.map(({ text }) => text).join("\n");

/** The text of a section of the page. */
function section(title: string): string {
  return new RegExp(`^## ${title}\\n([\\s\\S]*?)(?=^## )`, "m").exec(page)![1]!;
}

/** Templates of errors in the sources, without their `${…}`. */
function* templates(): Generator<{ path: string; whole: string; longest: string }> {
  for (const { path, text } of sources) {
    if (path.startsWith("http2")) continue;
    for (const [, literal] of text.matchAll(
      /(?:new ConnectError|peerError)\(\s*(`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")/g,
    )) {
      // A template inside of a template ends the match: what is behind its `${` is not of the text.
      const pieces = literal!.slice(1, -1).split(/\$\{(?:[^{}]|\{[^}]*\})*(?:\}|$)/);
      const longest = [...pieces].sort((a, b) => b.length - a.length)[0]!.trim();
      yield { path, whole: pieces.join("…"), longest };
    }
  }
}

/** A text that says what to do, or what is allowed. */
const advice =
  /: .*\b(pass|give|use|set|write|call|raise|lower|make|leave|create|read|await|choose|check|start|say|name|let|allowed|needed|decide)\b/;

/** Errors without advice that the page doesn't explain, each with the reason. */
const selfExplaining = [
  // Answers to peers that break the protocol: the text says where.
  "compressed message can't be decompressed:",
  "the stream ended inside",
  "bytes can't be parsed:",
  // Headers are checked where they are set: the text names the header.
  "has character U+",
  "headers can't be read:",
  // A thrown value without a text has nothing else to say.
  "that has no text",
];

describe("errors.md", () => {
  it("explains each error of the sources that does not say itself what to do", () => {
    const missing = [...templates()]
      .filter(({ whole, longest }) => !advice.test(whole) && !page.includes(longest))
      .filter(({ longest }) => !selfExplaining.some((text) => longest.includes(text)))
      .map(
        ({ path, whole }) => `${path}: "${whole}": add it to docs/errors.md, or say in the text what to do`,
      );
    expect(missing).toEqual([]);
  });

  it("lists no error as self-explaining that the sources don't have", () => {
    expect(selfExplaining.filter((text) => !allSources.includes(text))).toEqual([]);
  });

  it.each([
    "Messages that can't be sent again",
    "Sends and reads that come too late",
    "Answers that are not gRPC's",
    "Connections",
  ])("has under %j only texts that the sources have", (title) => {
    const lines = [...section(title).matchAll(/^```text\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
      block!.trimEnd().split("\n"),
    );
    const prose = section(title).replace(/^```[\s\S]*?^```$/gm, "");
    const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span]) => span!.replaceAll("\n", " "));
    const texts = [...lines, ...spans.filter((span) => / .* /.test(span))];
    expect(texts.length).toBeGreaterThan(0);
    const unknown = texts.flatMap((text) =>
      text
        .replace(/^\[\w+\] /, "")
        .split(/…|HOST|\d[\d.]*|::1| within |"[^"]*"|[;:(]\s|after|grpc-status| for | were | with /)
        .map((piece) => piece.trim())
        .filter((piece) => piece.length > 5 && !allSources.includes(piece))
        .map((piece) => `${piece} (of: ${text})`),
    );
    expect(unknown).toEqual([]);
  });
});

/** Options as an untyped program gives them. */
// biome-ignore lint/suspicious/noExplicitAny: the test is what the types would forbid
type Untyped = any;

describe("the table of wrong options", () => {
  const routes = (router: TripleRouter) => echo(router);
  const address = "tri://127.0.0.1:20000";
  const client = () => createClient(GreetService, createTransport(address)) as Untyped;
  const made: Record<string, () => unknown> = {
    "serve({ prot: 20000, … })": () => serve({ routes, prot: 20000 } as Untyped),
    "createClient(Greeter, transport, { group: 5 })": () =>
      createClient(GreetService, createTransport(address), { group: 5 } as Untyped),
    "createTransport(address, { cert })": () => createTransport(address, { cert: "" } as Untyped),
    "createTransport(undefined)": () => createTransport(undefined as Untyped),
    'createClient(Greeter, "tri://127.0.0.1:20000")': () =>
      createClient(GreetService, "tri://127.0.0.1:20000" as Untyped),
    'serve({ acceptCompression: ["gzip"], … })': () =>
      serve({ port: 0, routes, acceptCompression: ["gzip"] } as Untyped),
    "serve({ http2: { maxQueuedBytes: 0 }, … })": () =>
      serve({ port: 0, routes, http2: { maxQueuedBytes: 0 } }),
    'createTransport("tri://a:1,tri://b:2")': () => createTransport("tri://a:1,tri://b:2"),
    "serve({ port: 20000 })": () => serve({ port: 20000 } as Untyped),
    "client.greet()": () => client().greet(),
    "client.greet({}, { timeout: 5 })": () => client().greet({}, { timeout: 5 }),
  };
  const rows = [...section("Wrong options").matchAll(/^\| `([^`]+)`\s*\| `([^`]+)`\s*\|$/gm)].map(
    ([, given, text]) => [given!, text!] as const,
  );

  it("has a row for each of the cases that are tried", () => {
    expect(rows.map(([given]) => given).sort()).toEqual(Object.keys(made).sort());
  });

  it.each(rows)("has the text of %s", async (given, text) => {
    const error = await errorOf((async () => made[given]!())());
    const parts = text.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    expect(error.rawMessage).toMatch(new RegExp(`^${parts.join(".*")}$`));
  });
});

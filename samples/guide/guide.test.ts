// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { members, regions, run } from "./programs.js";

const folder = "samples/guide";
const guide = readFileSync("docs/guide.md", "utf8");

/** The output of each program, in the order of the guide. */
const printed: Record<string, string> = {
  "greeter.ts": "",
  "calls.ts": `hello a
hello b 1
hello b 2
hello b 3
hello c, d
hello c
hello d
`,
  "handles.ts": `hello a
hello b
undefined
hello c
hello d 1
[canceled] the stream was left before its end
after closeResponse(): [canceled] the stream was left before its end
unhandled: [canceled] enough
the unread one has failed
`,
  "driven.ts": `hello a
hello b
hello a, b
hello c 1
hello c 2
hello c 3
hello nobody
hello d
at the end: hello d
`,
  "duplex.ts": `hello nobody
hello a
hello nobody
hello b
hello nobody
[ 'Canceled', 'Canceled', 'the client has sent all' ]
`,
  "uploads.ts": `stored a, b
[aborted] the upload is not complete
`,
  "headers.ts": `{
  'user-agent': 'tristream/0.1.0',
  'x-key': Uint8Array(2) [ 1, 2 ],
  'x-tenant': 'blue'
}
a
1
tcp
hello b
1
`,
  "deadlines.ts": `DeadlineExceeded
DeadlineExceeded
Canceled
Canceled
hello e 1
hello e 2
hello e 3
hello f 1
hello f 2
hello f 3
InvalidArgument
`,
  "errors.ts": `ResourceExhausted too many calls
7
again in 2 s
[internal] internal error (id …)
`,
  "interceptors.ts": `Greet of greet.GreetRequest
hello ali
hello b 1
hello b 2
hello b 3
GreetServerStream answered 3
[unauthenticated] who?
GreetStream answered 1
GreetStream tcp: OK, 1 and 1 messages
`,
  "retries.ts": `hello a, b
FailedPrecondition after [unavailable] busy
`,
  "tracing.ts": `[ [ 'a of blue', 'a of blue' ], [ 'b of red', 'b of red' ] ]
`,
  "selectors.ts": `one
2.0.0
java
one method
`,
  "compression.ts": `gzip
100006
a small one is compressed: true
its answer is not: false
a secret is not compressed: false
its answer is: true
`,
  "messages.ts": `hello a
[resource_exhausted] message of 3011 bytes is larger than the limit of 2048: raise readMaxBytes where it is received
[resource_exhausted] message of 5011 bytes is larger than the limit of 4096: raise writeMaxBytes where it is sent
`,
  "addresses.ts": `hello a
hello b
[unavailable] none of 2 addresses can be reached: can't connect to 127.0.0.1:1: nothing listens there: start the server, or correct the address; can't connect to unix:/no/such.sock: there is no such socket: start the server, or correct the path
`,
  "tls.ts": `hello a
hello CN=caller
`,
  "logger.ts": `{"level":"error","message":"internal error (id …) in greet.GreetService/Greet, called by 127.0.0.1:…: TypeError: the disk is full …"}
`,
  "shutdown.ts": `hello a
the stream has ended
stopped: 1 finished, 0 cut
`,
  "testing.ts": "",
};
const files = Object.keys(printed);

/** Without what differs from run to run. */
function settled(output: string): string {
  return output
    .replace(/\(id \w+\)/g, "(id …)")
    .replace(/called by 127\.0\.0\.1:\d+/g, "called by 127.0.0.1:…")
    .replace(/\\n {4}at .*(?="\})/g, " …");
}

test("the examples of docs/guide.md are the regions of this folder's programs", () => {
  const blocks = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
  expect(blocks).toEqual(files.flatMap((file) => regions(`${folder}/${file}`)));
});

describe("prints what was expected:", () => {
  const programs = files.filter((file) => file !== "testing.ts");
  test.each(programs)("%s", async (file) => {
    const { code, stdout, stderr } = await run(`${folder}/${file}`);
    expect({ code, stdout: settled(stdout), stderr }).toEqual({ code: 0, stdout: printed[file], stderr: "" });
  });

  test("testing.ts", async () => {
    const { code, stdout } = await run(`${folder}/testing.ts`);
    expect(stdout).toMatch(/pass 3/);
    expect(code).toBe(0);
  });
});

const core = "packages/core/src";
const connect = "node_modules/@connectrpc/connect/dist/esm";

/** The tables of options, by their headings, and the interfaces whose members they list. */
const tables: Record<string, readonly (readonly [file: string, name: string])[]> = {
  "`serve`": [
    [`${core}/server/routing/resolve-options.ts`, "ServeOptions"],
    [`${core}/engine/message/format-options.ts`, "FormatOptions"],
    [`${core}/server/lifecycle/create-server.ts`, "ServerOptions"],
    ["packages/node/src/serve.ts", "ServeOptions"],
  ],
  "`createTransport`": [
    [`${core}/client/transport/transport-options.ts`, "TransportOptions"],
    [`${core}/engine/message/format-options.ts`, "FormatOptions"],
    ["packages/node/src/socket-connector.ts", "ConnectOptions"],
  ],
  "`createClient`": [[`${core}/client/api/create-client.ts`, "ClientOptions"]],
  "A registration": [
    [`${core}/server/routing/resolve-options.ts`, "ServeOptions"],
    [`${core}/engine/message/format-options.ts`, "FormatOptions"],
    [`${core}/server/routing/create-router.ts`, "TripleRouteOptions"],
  ],
  "A call": [
    [`${connect}/call-options.d.ts`, "CallOptions"],
    [`${core}/client/api/call-options.ts`, "TripleCallOptions"],
  ],
};

test.each(Object.entries(tables))("the table of %s has every option", (heading, interfaces) => {
  const section = guide.split(`\n### ${heading}\n`)[1]?.split("\n### ")[0] ?? "";
  const names = [...section.matchAll(/^\| (`.*?) +\|/gm)].map((match) => match[1]!);
  const listed = names.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1]!));
  const declared = interfaces.flatMap(([file, name]) => members(file, name));
  expect([...listed].sort()).toEqual([...new Set(declared)].sort());
});

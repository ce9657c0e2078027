// SPDX-License-Identifier: Apache-2.0
// `console.log` of the objects that a program holds: one line that says what the object is.
// Mutant: core/src/client/api/stream-handles.ts # error?.message ?? (over ? "ended" : "running") => "running"
// Mutant: core/src/log/inspect.ts # printable(detail === "" ? name : `${name}: ${detail}`) => detail
import { inspect } from "node:util";
import { createClient, type TripleContext } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { forEver } from "./events.js";
import { allLinks } from "./every-link.js";
import { greeter } from "./greeter.js";

describe.each(allLinks)("printed over $name", (link) => {
  test("a handle names its method, its state and its messages", async () => {
    await using end = await link.start({ routes: (r) => r.service(GreetService, greeter()) });
    const client = createClient(GreetService, end.transport);
    const chat = client.greetStream();
    await chat.send({ name: "a" });
    await chat.receive();
    const bidi = "BidiStream(greet.GreetService/GreetStream";
    expect(inspect(chat)).toBe(`${bidi}: running, 1 sent, 1 received)`);
    chat.cancel("two\nlines");
    expect(inspect(chat)).toBe(`${bidi}: [canceled] two\\nlines, 1 sent, 1 received)`);
    const stream = client.greetServerStream({ name: "a" });
    for await (const _ of stream);
    expect(inspect(stream)).toBe(
      "ServerStream(greet.GreetService/GreetServerStream: ended, 1 sent, 3 received)",
    );
    const upload = client.greetClientStream();
    expect(inspect(upload)).toMatch(/^ClientStream\(greet\.GreetService\/GreetClientStream: running/);
    await upload.closeAndReceive();
  });

  test("a transport names its address, and a server its state", async () => {
    await using end = await link.start({
      routes: (r) => r.service(GreetService, { ...greeter(), greet: forEver }),
    });
    const client = createClient(GreetService, end.transport);
    const address =
      link.name === "tcp" ? "tri://127\\.0\\.0\\.1:\\d+" : link.name === "unix" ? "unix:/.*" : "memory.*";
    expect(inspect(end.transport)).toMatch(new RegExp(`^Transport\\(${address}\\)$`));
    await using chat = client.greetStream();
    await chat.send({});
    await chat.receive();
    expect(inspect(end.server)).toMatch(/^Server\(.*running calls: 1\)$/);
    await end.transport.close();
    expect(inspect(end.transport)).toMatch(new RegExp(`^Transport\\(${address}: closed\\)$`));
    await end.server.shutdown({ graceMs: 0 });
    expect(inspect(end.server)).toMatch(/^Server\(.*shut down[,:] running calls: 0\)$/);
  });

  test("a context names its method and its client", async () => {
    const lines: string[] = [];
    const greet = (_: unknown, context: TripleContext) => {
      lines.push(inspect(context));
      return {};
    };
    await using end = await link.start({
      routes: (r) =>
        r.service(GreetService, { greet }).service(GreetService, { greet }, { group: "g", version: "1.0" }),
    });
    await createClient(GreetService, end.transport).greet({});
    await createClient(GreetService, end.transport, { group: "g", version: "1.0" }).greet({});
    expect(lines[0]).toMatch(/^Context\(greet\.GreetService\/Greet: called by [^,]+\)$/);
    expect(lines[1]).toMatch(/^Context\(greet\.GreetService\/Greet: called by .+, group g, version 1\.0\)$/);
  });
});

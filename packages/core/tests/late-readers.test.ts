// SPDX-License-Identifier: Apache-2.0
// Promise 4: deadlines are kept by the engine, and taken back.
// Mutant: core/src/engine/call/server-call.ts # this.host.owner.deadlines.remove(this)); => undefined);
import { createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { deadlines } from "../src/engine/call/deadline.js";
import { until } from "./events.js";
import { everyLink } from "./every-link.js";

describe.each(everyLink)("the server's deadline of a call over $name", (link) => {
  test("is taken back when an answer that waited for its reader has been read", async () => {
    await using end = await link.start({
      routes: (r) => r.service(GreetService, { greet: () => ({ greeting: "x".repeat(1_000_000) }) }),
    });
    const before = deadlines.size;
    const client = createClient(GreetService, end.transport);
    expect((await client.greet({}, { timeoutMs: 50_000 })).greeting).toHaveLength(1_000_000);
    await until(() => end.server.activeCalls === 0);
    expect(deadlines.size).toBe(before);
  });
});

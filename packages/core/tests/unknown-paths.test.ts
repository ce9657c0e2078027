// SPDX-License-Identifier: Apache-2.0
// What a bad request costs has a limit: hints have a rate, answers are kept, and names are never searched for twice.
// Mutant: core/src/server/lifecycle/create-server.ts # clock: this.clock,
// Mutant: core/src/server/routing/request-head.ts # known.generation === routes.generation => known.generation >= 0
// Mutant: core/src/server/routing/route-table.ts # routes.offered = null;
import { Code, createClient, type TripleRouter } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { createClock } from "@tristream/testing";
import { errorOf } from "./events.js";
import { everyLink } from "./every-link.js";

describe.each(everyLink)("calls of unknown paths over $name", (link) => {
  async function start() {
    const clock = createClock();
    let router!: TripleRouter;
    const end = await link.start({
      clock,
      routes: (r) => {
        router = r;
        r.service(GreetService, { greet: () => ({}) }, { interface: "known.GreetService" });
      },
    });
    const ask = async (name: string, options = {}): Promise<string> => {
      const client = createClient(GreetService, end.transport, { interface: name, ...options });
      const error = await errorOf(client.greet({}));
      expect(error.code).toBe(Code.Unimplemented);
      return error.rawMessage;
    };
    return { ...end, router, clock, ask };
  }

  test("are all answered, and 50 of them at once with a hint", async () => {
    const end = await start();
    await using _ = end;
    let hints = 0;
    for (let i = 0; i < 100; i++) {
      const text = await end.ask(`known.Greet${i}`);
      expect(text).toMatch(`unknown service "known.Greet${i}"`);
      if (text.includes("offered")) hints++;
    }
    expect(hints).toBe(50);
    expect(await end.ask("known.Greet7")).toContain("offered is known.GreetService");
    expect(await end.ask("known.Greet77")).toBe('unknown service "known.Greet77"');
    await end.clock.advance(1000);
    expect(await end.ask("known.Greet77")).toContain("offered is known.GreetService");
  });

  test("are served as soon as their routes are added, on the same connection", async () => {
    const end = await start();
    await using _ = end;
    const client = createClient(GreetService, end.transport, { interface: "late.GreetService" });
    for (let i = 0; i < 3; i++) expect((await errorOf(client.greet({}))).code).toBe(Code.Unimplemented);
    end.router.service(
      GreetService,
      { greet: () => ({ greeting: "late" }) },
      { interface: "late.GreetService" },
    );
    expect((await client.greet({})).greeting).toBe("late");
  });

  test("of a known one with another group say what is offered now", async () => {
    const end = await start();
    await using _ = end;
    expect(await end.ask("known.GreetService", { group: "a" })).toContain(
      "offered is no group and no version",
    );
    end.router.service(GreetService, { greet: () => ({}) }, { interface: "known.GreetService", group: "b" });
    expect(await end.ask("known.GreetService", { group: "a" })).toContain(
      'offered are no group and no version; group "b", no version',
    );
  });
});

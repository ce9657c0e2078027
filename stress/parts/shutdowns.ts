// SPDX-License-Identifier: Apache-2.0
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient, createTransport, serve } from "@tristream/node";
import { Calls, type Made } from "../call.js";
import { inTime, never } from "../events.js";
import { inWords, outcomeInWords } from "../expect.js";
import { type Part, repeat } from "../part.js";
import { type Act, methods } from "../plan.js";

const acts: readonly Act[] = ["echo", "wait", "ignore", "flood", "read"];
const quiet = { error() {}, warn() {}, info() {}, debug() {} };

export const shutdowns: Part = {
  name: "9, shutdown is finite",
  async run({ rig, random, times, wrong }) {
    await repeat(times, 10, async () => {
      const server = await serve({
        host: "127.0.0.1",
        port: 0,
        logger: quiet,
        routes: (router) => router.service(GreetService, rig.plans.handlers),
      });
      const transport = createTransport(server.url);
      const calls = new Calls(createClient(GreetService, transport), rig.census);
      const running = Array.from({ length: 1 + random.below(4) }, () => {
        const plan = rig.plans.add(random.of(methods), random.of(acts));
        const made: Made = { plan, ending: "signal", leaveAfter: plan.release.promise };
        return { made, outcome: inTime(calls.make(made)) };
      });
      for (const { made } of running) await made.plan.entered.promise;
      const graceMs = random.of([0, 0, 5, 20]);
      const report = await inTime(server.shutdown({ graceMs }), graceMs + 5000);
      if (report === never) wrong(`a shutdown with ${graceMs} ms of grace did not settle`);
      else if (server.activeCalls > 0) wrong(`${server.activeCalls} calls run after a shutdown`);
      for (const { made, outcome } of running) {
        const ended = await outcome;
        if (ended === never || ended.is !== Code.Unavailable)
          if (ended === never || ended.is !== "ok")
            wrong(`${inWords(made)}, and the server shuts down: ${outcomeInWords(ended)}`);
        rig.plans.delete(made.plan);
      }
      await transport.close();
    });
  },
};

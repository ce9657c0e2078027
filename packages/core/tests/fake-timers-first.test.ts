// SPDX-License-Identifier: Apache-2.0
// Fake timers that were there before the packages were loaded, as with jest's `fakeTimers.enableGlobally`.
// Mutant: core/src/runtime/runtime-timers.ts # process?.getBuiltinModule?.(`node:${name}`) => undefined
// Mutant: core/src/runtime/runtime-timers.ts # "clock" in process.nextTick => false
import { jest } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";

test("calls go on, over every link, though timers were faked before the packages were loaded", async () => {
  jest.useFakeTimers();
  try {
    const { Code, createClient } = await import("@tristream/core");
    const { everyLink } = await import("./every-link.js");
    const { errorOf, forEver } = await import("./events.js");
    const { greeter } = await import("./greeter.js");
    for (const link of everyLink) {
      await using end = await link.start({
        routes: (router) => {
          router.service(GreetService, greeter());
          router.service(GreetService, { greet: forEver }, { group: "mute" });
        },
      });
      const client = createClient(GreetService, end.transport);
      expect((await client.greetClientStream([{ name: "a" }, { name: "b" }])).greeting).toBe("a,b");
      const mute = createClient(GreetService, end.transport, { group: "mute", timeoutMs: 50 });
      expect((await errorOf(mute.greet({}))).code).toBe(Code.DeadlineExceeded);
    }
  } finally {
    jest.useRealTimers();
  }
});

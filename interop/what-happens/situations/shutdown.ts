// SPDX-License-Identifier: Apache-2.0
import { Code } from "@connectrpc/connect";
import { happening, never, withinLimit } from "../limits.js";
import { forEver, inWords, open, outcomeOf, readAll, type Situation } from "../situation.js";

export const shutdown: Situation = {
  when: "the server stops in order while a stream runs that does not end by itself",
  goodIf: "that is done within 2 s, and the client sees `Unavailable`",
  async observe(library) {
    const begun = happening();
    await using ends = await open(library, {
      async *greetServerStream() {
        yield { greeting: "a" };
        begun.tell();
        await forEver();
      },
    });
    const call = readAll(ends.client.greetServerStream({ name: "a" }));
    const settled = call.then(
      () => {},
      () => {},
    );
    await begun.promise;
    const done = (await withinLimit(ends.server.stop(500))) !== never;
    // Otherwise there is only force.
    if (!done) await withinLimit(ends.server.cut());
    await withinLimit(settled);
    const outcome = await outcomeOf(library, call);
    const seen = outcome.is === "reply" ? "the loop ends, as if all had come" : inWords(outcome);
    return {
      good: done && outcome.is === "error" && outcome.code === Code.Unavailable,
      saw: done ? `done; the client: ${seen}` : `never done; when forced, the client: ${seen}`,
    };
  },
};

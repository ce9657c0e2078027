// SPDX-License-Identifier: Apache-2.0
import { happening, never, withinLimit } from "../limits.js";
import { inWords, open, outcomeOf, type Situation } from "../situation.js";

export const failingRequests: Situation = {
  when: "the generator of an upload's requests throws after 2 messages",
  goodIf: "the handler's loop throws, and the call rejects with the text of the generator's error",
  async observe(library) {
    const begun = happening();
    const ended = happening<"throws" | "ends, as if all had come">();
    await using ends = await open(library, {
      async greetClientStream(requests) {
        let n = 0;
        try {
          for await (const _ of requests) if (++n === 2) begun.tell();
          ended.tell("ends, as if all had come");
        } catch (error) {
          ended.tell("throws");
          throw error;
        }
        return { greeting: `${n}` };
      },
    });
    const broken = async function* () {
      yield { name: "a" };
      yield { name: "b" };
      await begun.promise;
      throw new Error("the disk is broken");
    };
    const outcome = await outcomeOf(library, ends.client.greetClientStream(broken()));
    const how = await withinLimit(ended.promise);
    const told = outcome.is === "error" && outcome.text.includes("the disk is broken");
    const loop = how === never ? "waits for ever" : how;
    return {
      good: how === "throws" && told,
      saw: `the handler's loop ${loop}; the call: ${told ? "its error" : inWords(outcome)}`,
    };
  },
};

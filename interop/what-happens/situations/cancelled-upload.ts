// SPDX-License-Identifier: Apache-2.0
import { happening, never, withinLimit } from "../limits.js";
import { cancellable, forEver, open, type Situation } from "../situation.js";

export const cancelledUpload: Situation = {
  when: "a signal cancels an upload after 3 messages",
  goodIf: "the handler's `for await` over the requests throws: a loop that ends would store half a file",
  async observe(library) {
    const begun = happening();
    const ended = happening<"throws" | "ends, as if all had come">();
    await using ends = await open(library, {
      async greetClientStream(requests) {
        let n = 0;
        try {
          for await (const _ of requests) if (++n === 3) begun.tell();
          ended.tell("ends, as if all had come");
        } catch (error) {
          ended.tell("throws");
          throw error;
        }
        return { greeting: `${n}` };
      },
    });
    const { settings, cancel } = cancellable();
    const three = async function* () {
      for (const name of ["a", "b", "c"]) yield { name };
      await forEver();
    };
    ends.client.greetClientStream(three(), settings).catch(() => {});
    await begun.promise;
    cancel();
    const how = await withinLimit(ended.promise);
    return {
      good: how === "throws",
      saw: how === never ? "the handler's loop waits for ever" : `the handler's loop ${how}`,
    };
  },
};

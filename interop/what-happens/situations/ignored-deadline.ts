// SPDX-License-Identifier: Apache-2.0
import { never, withinLimit } from "../limits.js";
import { callAndWait } from "../raw-peers.js";
import { forEver, type Situation } from "../situation.js";

export const ignoredDeadline: Situation = {
  when: "a deadline of 200 ms passes in a handler that ignores its signal; the client itself does nothing",
  goodIf: "the server answers with `grpc-status` 4 on its own",
  async observe(library) {
    const server = await library.serve({ greet: forEver });
    const { closed, leave } = callAndWait(server.port, "Greet", "200m");
    const outcome = await withinLimit(closed);
    leave();
    await withinLimit(server.cut());
    if (outcome === never) return { good: false, saw: "never answers, the stream stays open" };
    return {
      good: outcome.status === "4",
      saw: outcome.status === undefined ? "resets without a status" : `answers status ${outcome.status}`,
    };
  },
};

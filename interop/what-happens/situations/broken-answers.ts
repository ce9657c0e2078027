// SPDX-License-Identifier: Apache-2.0
import type { ServerHttp2Stream } from "node:http2";
import type { Library } from "../library.js";
import { goodHead, goodMessage, rawServer } from "../raw-peers.js";
import { inWords, type Outcome, outcomeOf, type Situation } from "../situation.js";

export const brokenAnswers: Situation = {
  when: "a unary call is answered by RST_STREAM(NO_ERROR) alone; by a message and no status",
  goodIf: "both calls reject",
  async observe(library) {
    const reset = await answered(library, (stream) => stream.close(0));
    const noStatus = await answered(library, (stream) => {
      stream.respond(goodHead);
      stream.end(goodMessage);
    });
    return {
      good: reset.is === "error" && noStatus.is === "error",
      saw: `RST: ${inWords(reset)}; no status: ${inWords(noStatus)}`,
    };
  },
};

async function answered(library: Library, answer: (stream: ServerHttp2Stream) => void): Promise<Outcome> {
  await using server = await rawServer(answer);
  const client = library.connect(server.port);
  const outcome = await outcomeOf(library, client.greet({ name: "a" }));
  await client.close();
  return outcome;
}

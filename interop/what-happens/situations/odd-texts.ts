// SPDX-License-Identifier: Apache-2.0
import { Code } from "@connectrpc/connect";
import type { Library } from "../library.js";
import { goodHead, rawServer } from "../raw-peers.js";
import { inWords, type Outcome, open, outcomeOf, quoted, type Situation } from "../situation.js";

export const oddTexts: Situation = {
  when: "an error's text is odd: a handler's has half of a surrogate pair, a peer's `grpc-message` is `50% done`",
  goodIf: "both calls end with the error's own code, the second one with its text",
  async observe(library) {
    const surrogate = await loneSurrogate(library);
    const percent = await rawPercent(library);
    const right = (outcome: Outcome, code: Code): boolean => outcome.is === "error" && outcome.code === code;
    const text = percent.is === "error" ? ` ${quoted(percent.text)}` : "";
    return {
      good:
        right(surrogate, Code.Aborted) &&
        right(percent, Code.FailedPrecondition) &&
        percent.is === "error" &&
        percent.text === "50% done",
      saw: `surrogate: ${inWords(surrogate)}; raw %: ${inWords(percent)}${text}`,
    };
  },
};

async function loneSurrogate(library: Library): Promise<Outcome> {
  await using ends = await open(library, {
    async greet() {
      throw library.failure(Code.Aborted, "a\ud800b");
    },
  });
  return await outcomeOf(library, ends.client.greet({ name: "a" }));
}

async function rawPercent(library: Library): Promise<Outcome> {
  await using server = await rawServer((stream) => {
    stream.respond({ ...goodHead, "grpc-status": "9", "grpc-message": "50% done" }, { endStream: true });
  });
  const client = library.connect(server.port);
  const outcome = await outcomeOf(library, client.greet({ name: "a" }));
  await client.close();
  return outcome;
}

// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from "node:timers/promises";
import { Code, CodeBizError, type ConnectError } from "@tristream/node";
import { all, type Cases, fails, numbered, type Peer, same } from "./peer.js";

/** The texts that a reader of grpc-message can get wrong: Latin-1, more than Latin-1, a bare and a decodable percent, a plus. */
const text = 'nöt hére: 100% "你好" 1+1 %41';

/** dubbo-java puts the code before the text, writes Latin-1 raw and `?` for all else, so that `%41` reads as `A`. */
function sameText(to: Peer, error: ConnectError, want: string): void {
  if (to.server !== "java") {
    same("message", error.rawMessage, want);
    return;
  }
  const whole = want === text ? ': 100% "??" 1+1' : want;
  same(
    `the message ${JSON.stringify(error.rawMessage)} has ${whole}`,
    error.rawMessage.includes(whole),
    true,
  );
}

/**
 * The connection is as good as before. Once in a hundred times dubbo-java keeps an answer back until the next frame, when
 * the request and our reset of the stream before it reach it in one read: a second request brings it out.
 */
async function stillServes(to: Peer): Promise<void> {
  const answer = async () => {
    const { greeting } = await to.greeter.greet({ name: "still here" }, { timeoutMs: 3000 });
    same("greet", greeting, "still here");
  };
  await (to.server === "java" ? answer().catch(answer) : answer());
}

/** Calls that fail: code and message arrive whole, and so does what came before. */
export const errors: Cases = {
  async error(to) {
    for (let code = 1; code <= 16; code++) {
      const error = await fails(`fail:${code}`, to.greeter.greet({ name: `fail:${code}:${text}` }), code);
      sameText(to, error, text);
    }
    await stillServes(to);
  },

  async "error-mid-stream"(to) {
    const got: string[] = [];
    const stream = to.greeter.greetServerStream({ name: `fail:5:${text}` });
    const error = await fails("mid-stream", all(stream, got), Code.NotFound);
    same("before the error", got, numbered("before", 2));
    sameText(to, error, text);
  },

  // the server ends the call while the client still sends
  async "error-early"(to) {
    let returned = false;
    async function* requests() {
      try {
        yield { name: "one" };
        yield { name: "fail:9:stop it" };
        for (;;) {
          await setImmediate();
          yield { name: "more" };
        }
      } finally {
        returned = true;
      }
    }
    const got: string[] = [];
    const error = await fails(
      "early error",
      all(to.greeter.greetStream(requests()), got),
      Code.FailedPrecondition,
    );
    same("before the error", got, ["one"]);
    sameText(to, error, "stop it");
    await stillServes(to);
    same("the requests were left", returned, true);
  },

  async exception(to) {
    const call = to.greeter.greet({ name: "throw:broken" });
    if (to.server === "tristream") {
      const error = await fails("exception", call, Code.Internal);
      same("the error shows what was thrown", error.message.includes("broken"), false);
      return;
    }
    const error = await fails("exception", call, to.server === "go" ? CodeBizError : Code.Unknown);
    same("message", error.rawMessage, "broken");
  },

  // the server answers an upload that is not finished
  async "early-answer"(to) {
    async function* requests() {
      yield { name: "one" };
      yield { name: "enough" };
      for (;;) {
        await setImmediate();
        yield { name: "more" };
      }
    }
    const { greeting } = await to.greeter.greetClientStream(requests());
    same("answer", greeting, "one,enough");
    await stillServes(to);
  },
};

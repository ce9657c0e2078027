// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import { all, type Cases, fails, greets, outcome, same, uniqueKey } from "./peer.js";

/** Calls that one side or the connection ends; the server reports what its handler saw. */
export const endings: Cases = {
  async deadline(to) {
    const key = uniqueKey("deadline");
    const call = to.greeter.greet({ name: `hang:${key}` }, { timeoutMs: 500 });
    await fails("deadline", call, Code.DeadlineExceeded);
    // dubbo-java doesn't tell a running unary handler
    if (to.server !== "java") await outcome(to, key, "deadline_exceeded", "canceled");
  },

  async "deadline-stream"(to) {
    const key = uniqueKey("deadline-stream");
    const got: string[] = [];
    const stream = to.greeter.greetServerStream({ name: `hang:${key}` }, { timeoutMs: 500 });
    await fails("deadline", all(stream, got), Code.DeadlineExceeded);
    same("before the deadline", got, [`hang:${key}`]);
    await outcome(to, key, "deadline_exceeded", "canceled");
  },

  async "cancel-unary"(to) {
    const key = uniqueKey("cancel-unary");
    const controller = new AbortController();
    const failure = fails(
      "cancelled",
      to.greeter.greet({ name: `hang:${key}` }, { signal: controller.signal }),
      Code.Canceled,
    );
    // awaited below, but not if the next line throws
    failure.catch(() => {});
    await greets(to, `began:${key}`, `began:${key}`);
    controller.abort();
    await failure;
    // dubbo-java doesn't tell a running unary handler
    if (to.server !== "java") await outcome(to, key, "canceled");
  },

  // by leaving the loop; the server may be blocked on flow control then
  async "cancel-server-stream"(to) {
    const key = uniqueKey("cancel-server-stream");
    const got: string[] = [];
    for await (const { greeting } of to.greeter.greetServerStream({ name: `endless:${key}` })) {
      got.push(greeting);
      if (got.length === 3) break;
    }
    same("before the break", got, ["tick 0", "tick 1", "tick 2"]);
    await outcome(to, key, "canceled");
  },

  // an upload that was cancelled must not look complete
  async "cancel-client-stream"(to) {
    const key = uniqueKey("cancel-client-stream");
    const upload = to.greeter.greetClientStream();
    for (const name of [`track:${key}`, "two", "three"]) await upload.send({ name });
    await greets(to, `began:${key}`, `began:${key}`);
    upload.cancel();
    await outcome(to, key, "canceled");
    await fails("answer", upload.closeAndReceive(), Code.Canceled);
  },

  async "cancel-bidi-stream"(to) {
    const key = uniqueKey("cancel-bidi-stream");
    const controller = new AbortController();
    const chat = to.greeter.greetStream({ signal: controller.signal });
    await chat.send({ name: `track:${key}` });
    const reply = await chat.receive();
    same("reply", reply?.greeting, `track:${key}`);
    controller.abort();
    await fails("receive", chat.receive(), Code.Canceled);
    await outcome(to, key, "canceled");
  },

  // the server begins to shut down; a stream that is open may still finish
  async drain(to) {
    const chat = to.greeter.greetStream();
    const next = async () => (await chat.receive())?.greeting;
    await chat.send({ name: "drain" });
    same("before", await next(), "ready");
    await greets(to, "shutdown", "shutdown");
    same("shutdown", await next(), "draining");
    await chat.send({ name: "last words" });
    same("after", await next(), "last words");
    await chat.closeRequest();
    same("end", await next(), undefined);
  },

  // the server's process ends in the middle of a stream: that is no cancel and no end
  async crash(to) {
    const chat = to.greeter.greetStream();
    await chat.send({ name: "one" });
    const reply = await chat.receive();
    same("reply", reply?.greeting, "one");
    await chat.send({ name: "exit" });
    await fails("after the crash", chat.receive(), Code.Unavailable);
    await fails("a new call", to.greeter.greet({ name: "triple" }), Code.Unavailable);
  },
};

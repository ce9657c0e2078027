// SPDX-License-Identifier: Apache-2.0
import { all, type Cases, greets, named, numbered, same } from "./peer.js";

const many = 5000;

/** Sizes and numbers: large, empty and many messages, many calls. */
export const load: Cases = {
  async large(to) {
    const mebibyte = "0123456789abcdef".repeat(1 << 16);
    await greets(to, mebibyte, mebibyte);
    const xs = await all(to.greeter.greetServerStream({ name: "count:4:large:1048576" }));
    same("server stream", xs, Array(4).fill("x".repeat(1 << 20)));
    const quarters = Array<string>(3).fill(mebibyte.slice(0, 1 << 18));
    const { greeting } = await to.greeter.greetClientStream(named(quarters));
    same("client stream", greeting, quarters.join(","));
    const whole = Array<string>(3).fill(mebibyte);
    same("bidi", await all(to.greeter.greetStream(named(whole))), whole);
  },

  async empty(to) {
    await greets(to, "", "");
    same("bidi", await all(to.greeter.greetStream(named(["", ""]))), ["", ""]);
    const three = await to.greeter.greetClientStream(named(["", "", ""]));
    same("client stream", three.greeting, ",,");
    same("server stream", await all(to.greeter.greetServerStream({ name: "count:3:empty" })), ["", "", ""]);
    same("no messages back", await all(to.greeter.greetServerStream({ name: "count:0:none" })), []);
    const none = await to.greeter.greetClientStream(named([]));
    same("no messages there", none.greeting, "");
  },

  async many(to) {
    const names = numbered("m", many);
    same("server stream", await all(to.greeter.greetServerStream({ name: `count:${many}:m` })), names);
    const { greeting } = await to.greeter.greetClientStream(named(names));
    same("client stream", greeting, names.join(","));
    same("bidi", await all(to.greeter.greetStream(named(names))), names);
  },

  async concurrent(to) {
    const calls = numbered("call", 100).flatMap((name) => [
      greets(to, name, name),
      all(to.greeter.greetServerStream({ name: `count:20:${name}` })).then((got) => {
        same(name, got, numbered(name, 20));
      }),
    ]);
    await Promise.all(calls);
  },
};

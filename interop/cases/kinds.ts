// SPDX-License-Identifier: Apache-2.0
import { all, type Cases, greets, named, numbered, same } from "./peer.js";

/** The four kinds of call, each with several messages. */
export const kinds: Cases = {
  async unary(to) {
    for (const name of ["triple", "你好, wörld 🚀", "a,b", "n".repeat(1000)]) await greets(to, name, name);
  },

  async "server-stream"({ greeter }) {
    same("default", await all(greeter.greetServerStream({ name: "triple" })), numbered("triple", 5));
    same("seven", await all(greeter.greetServerStream({ name: "count:7:你好" })), numbered("你好", 7));
  },

  async "client-stream"({ greeter }) {
    const names = ["one", "two", "ç", "four", "你好"];
    const iterated = await greeter.greetClientStream(named(names));
    same("iterable", iterated.greeting, names.join(","));
    const upload = greeter.greetClientStream();
    for (const name of names) await upload.send({ name });
    const driven = await upload.closeAndReceive();
    same("handle", driven.greeting, names.join(","));
  },

  async "bidi-stream"({ greeter }) {
    const names = ["one", "two", "你好", "four", "five"];
    same("iterable", await all(greeter.greetStream(named(names))), names);
    const chat = greeter.greetStream();
    for (const name of names) {
      await chat.send({ name });
      const reply = await chat.receive();
      same("handle", reply?.greeting, name);
    }
    await chat.closeRequest();
    same("end", await chat.receive(), undefined);
    await chat.closeResponse();
  },
};

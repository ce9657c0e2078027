// SPDX-License-Identifier: Apache-2.0
import { Code } from "@tristream/node";
import { all, type Cases, fails, greets, named, same } from "./peer.js";

/** Which implementation answers: group, version and interface. */
export const selectors: Cases = {
  async "group-version"(to) {
    for (const [group, version] of [
      ["g1", "1.0.0"],
      ["g2", "2.0.0"],
    ] as const) {
      const greeter = to.select({ group, version });
      const tag = ` from ${group}/${version}`;
      const { greeting } = await greeter.greet({ name: "triple" });
      same("unary", greeting, `triple${tag}`);
      same("bidi", await all(greeter.greetStream(named(["a", "b"]))), [`a${tag}`, `b${tag}`]);
    }
    await greets(to, "triple", "triple");
  },

  async "group-version-miss"(to) {
    const greeter = to.select({ group: "g9", version: "9.0.0" });
    if (to.server === "java") {
      // it answers from another group and version, the plain one here
      const { greeting } = await greeter.greet({ name: "triple" });
      same("fallback", greeting, "triple");
      return;
    }
    const error = await fails("miss", greeter.greet({ name: "triple" }), Code.Unimplemented);
    if (to.server === "go") {
      same(
        "message",
        error.rawMessage,
        "no implementation found for service group g9 and service version 9.0.0",
      );
    }
    same("the message names both", /g9.*9\.0\.0/s.test(error.rawMessage), true);
  },

  async "unknown-service"(to) {
    const nobody = to.select({ interface: "greet.Nobody" });
    await fails("unary", nobody.greet({ name: "triple" }), Code.Unimplemented);
    await fails("stream", all(nobody.greetServerStream({ name: "triple" })), Code.Unimplemented);
  },
};

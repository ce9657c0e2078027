// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "@jest/globals";
import { play, schemas } from "../fuzz/play.js";

const seeds = 40;

test.each(schemas.map((desc) => [desc.typeName, desc] as const))(
  "random messages of %s, and their bytes changed at random, come out as of protobuf-es",
  (_name, desc) => {
    let comparisons = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        comparisons += play(desc, seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      }
    }
    expect(comparisons).toBeGreaterThan(seeds);
  },
);

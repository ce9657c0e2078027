// SPDX-License-Identifier: Apache-2.0
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { play, schemas } from "../fuzz/play.js";
import { sameMessage } from "../fuzz/sameness.js";
import { compileCodec, parseBinary } from "../src/index.js";
import { SecondSchema } from "./gen/two_pb.js";

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

test("a malformed map entry behind a packed value that crosses its list's end is refused, as protobuf-es doesn't", () => {
  // A packed list of one byte whose only value takes two. Then an entry: the tag of a fixed32 without its four bytes, and a value.
  const bytes = Uint8Array.of(0x42, 1, 0x82, 0, 0x6a, 3, 0x55, 0x10, 2);
  expect(fromBinary(SecondSchema, bytes)).toMatchObject({ packedLevels: [2], levelMap: { "": 2 } });
  for (const parse of [compileCodec(SecondSchema).parse, (b: Uint8Array) => parseBinary(SecondSchema, b)])
    expect(() => parse(bytes)).toThrow("premature EOF");
  // The comparison leaves such bytes out.
  expect(sameMessage(SecondSchema, bytes)).toBeUndefined();
});

// SPDX-License-Identifier: Apache-2.0
// The counter of elements agrees with the parsers, however the bytes are cut.
// Mutant: codec/src/decode/element-counter.ts # if (this.field === undefined && open.shape.countsUnknown) this.add(1);
// Mutant: codec/src/decode/element-counter.ts # open.shape.countsUnknown => true
// Mutant: codec/src/decode/element-counter.ts # if (field?.counts === true) this.add(1);
// Mutant: codec/src/decode/element-counter.ts # this.add(shape.weight); => this.add(1);
// Mutant: codec/src/decode/element-counter.ts # if (bytes > 1 && this.field?.longs === "varint") this.long(1);
// Mutant: codec/src/decode/element-counter.ts # if (field?.longs === "fixed") this.long(Math.floor((until - this.at) / 8));
// Mutant: codec/src/decode/element-counter.ts # if (this.elements > this.maxElements) throw
// Mutant: codec/src/decode/element-counter.ts # if (this.stack.length > deepest + 1) this.malformed = true;
import type { DescMessage } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import { mutate } from "../fuzz/mutate.js";
import { schemas } from "../fuzz/play.js";
import { Random } from "../fuzz/random.js";
import { randomInit } from "../fuzz/random-message.js";
import { sameBytes } from "../fuzz/sameness.js";
import { compileCodec, ElementCounter, parsedElements, TooManyElementsError } from "../src/index.js";
import { ListsSchema, MapsSchema, SmallSchema, TreeSchema } from "./gen/three_pb.js";

const noLimit = Number.POSITIVE_INFINITY;

/** Counts bytes in pieces of random lengths. */
function counted(desc: DescMessage, bytes: Uint8Array, random: Random, maxElements = noLimit): number {
  const counter = new ElementCounter(desc, maxElements);
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(20));
    counter.count(bytes, at, end);
    at = end;
  }
  return counter.elements;
}

describe("the counter of elements", () => {
  test.each(schemas.map((desc) => [desc.typeName, desc] as const))(
    "counts random messages of %s as the parser does",
    (_name, desc) => {
      for (let seed = 1; seed <= 60; seed++) {
        const random = new Random(seed);
        const bytes = sameBytes(desc, randomInit(desc, random, false));
        // A required field is not set.
        if (bytes === undefined) continue;
        compileCodec(desc).parse(bytes);
        const elements = parsedElements();
        expect([seed, counted(desc, bytes, random)]).toEqual([seed, elements]);
        const refused = (): boolean => {
          try {
            counted(desc, bytes, random, elements - 1);
            return false;
          } catch (error) {
            return error instanceof TooManyElementsError;
          }
        };
        expect([seed, elements === 0 || refused()]).toEqual([seed, true]);
        // Malformed bytes are for the parser to find.
        counted(desc, mutate(bytes, bytes, random), random);
      }
    },
  );

  test.each([
    ["unknown fields", 2, SmallSchema, "f80105f80105"],
    ["an unknown group as one", 1, SmallSchema, "fb01080110021a0141fc01"],
    ["unknown fields of a map's entry as nothing", 1, MapsSchema, "0a080a01611201621801"],
    ["single numbers of 64 bits", 2, ListsSchema, "188001".repeat(8)],
    ["single numbers of 64 bits and eight bytes", 1, ListsSchema, "310100000000000000".repeat(4)],
    ["nothing behind a message that is longer than the one around it", 1, TreeSchema, "1a021a7f1a00"],
  ])("counts %s", (_what, elements, desc: DescMessage, hex) => {
    expect(counted(desc, Buffer.from(hex, "hex"), new Random(1))).toBe(elements);
  });

  test("stops at messages that are too deep for the parser", () => {
    const deep = Buffer.from("1b".repeat(10_000), "hex");
    expect(counted(TreeSchema, deep, new Random(1))).toBe(101);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { create, type DescMessage } from "@bufbuild/protobuf";
import {
  ApiSchema,
  FileDescriptorProtoSchema,
  StructSchema,
  TypeSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { EditionSchema } from "../tests/gen/editions_pb.js";
import {
  ChoicesSchema,
  EmptySchema,
  ListsSchema,
  MapsSchema,
  NamesSchema,
  OlderSchema,
  OptionalsSchema,
  ScalarsSchema,
  SmallSchema,
  TreeSchema,
  WellKnownSchema,
} from "../tests/gen/three_pb.js";
import { RequiredSchema, SecondSchema } from "../tests/gen/two_pb.js";
import { mutate } from "./mutate.js";
import { Random } from "./random.js";
import { randomInit } from "./random-message.js";
import { sameBytes, sameMessage } from "./sameness.js";

/** All that the codec is tried with. */
export const schemas: readonly DescMessage[] = [
  SmallSchema,
  EmptySchema,
  ScalarsSchema,
  OptionalsSchema,
  ListsSchema,
  MapsSchema,
  ChoicesSchema,
  TreeSchema,
  WellKnownSchema,
  NamesSchema,
  SecondSchema,
  RequiredSchema,
  EditionSchema,
  FileDescriptorProtoSchema,
  TypeSchema,
  ApiSchema,
  StructSchema,
  ValueSchema,
];

/**
 * One random message of a type, there and back, given as an object with fields and as a message; then its bytes, changed. Throws
 * an `Error` where the compiled codec does anything else than protobuf-es. Returns how many comparisons were made.
 */
export function play(desc: DescMessage, seed: number): number {
  const random = new Random(seed);
  const wild = random.oneIn(3);
  const init = randomInit(desc, random, wild);
  const bytes = sameBytes(desc, init);
  let comparisons = 1;
  try {
    sameBytes(desc, create(desc, init as never));
    comparisons++;
  } catch (error) {
    // Values that `create` refuses were compared above.
    if (bytes !== undefined) throw error;
  }
  if (bytes === undefined) return comparisons;

  const other = sameBytes(desc, randomInit(desc, random, false)) ?? bytes;
  const inputs = [bytes, new Uint8Array([...bytes, ...other])];
  for (let i = 0; i < 8; i++) inputs.push(mutate(bytes, other, random));
  for (const input of inputs) {
    const message = sameMessage(desc, input);
    comparisons++;
    if (message === undefined) continue;
    // Fields unknown to the reader stay in its message.
    sameBytes(desc, message);
    const older = sameMessage(OlderSchema, input);
    if (older !== undefined) sameBytes(OlderSchema, older);
    comparisons += 2;
  }
  return comparisons;
}

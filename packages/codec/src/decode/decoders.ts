// SPDX-License-Identifier: Apache-2.0
import type { DescMessage } from "@bufbuild/protobuf";
import type { Building } from "../shape/zero-message.js";

/** Reads messages of one type. */
export interface TypeDecoder {
  /** Reads a length and a message. */
  readDelimited(b: Uint8Array, end: number): Building;
  /** Reads a length and adds what follows to a message. */
  readDelimitedInto(message: Building, b: Uint8Array, end: number): void;
}

/** The decoder of a message type. */
export type DecoderOf = (desc: DescMessage) => TypeDecoder;

/** Reads one occurrence of a field, behind its tag, into a message. */
export type FieldDecoder = (message: Building, b: Uint8Array, end: number) => void;

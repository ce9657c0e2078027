// SPDX-License-Identifier: Apache-2.0
import { needsFallback } from "../wire/needs-fallback.js";
import { input, readStop, readVarint64 } from "../wire/varint.js";
import { WireType } from "../wire/wire-type.js";

/** Skips the value of an unwanted field, behind its tag. The slow parser reads groups. */
export function skip(tag: number, b: Uint8Array, end: number): void {
  if (tag >>> 3 === 0) throw needsFallback;
  switch (tag & 7) {
    case WireType.Varint:
      readVarint64(b, end);
      return;
    case WireType.Bit64:
      input.at += 8;
      break;
    case WireType.LengthDelimited:
      input.at = readStop(b, end);
      return;
    case WireType.Bit32:
      input.at += 4;
      break;
    default:
      throw needsFallback;
  }
  if (input.at > end) throw needsFallback;
}

// SPDX-License-Identifier: Apache-2.0
// Hot path. ECMAScript has no way from bytes to a string but String.fromCharCode, whose cost is the call: 16 codes a
// call take 2 ns a byte, one a call 10 ns, spreading an array 3 ns.
const text = String.fromCharCode;

/** Makes a string of the bytes from `start` to `end`, one char code (0 to 255) for each. */
export function byteText(bytes: Uint8Array, start: number, end: number): string {
  let head = "";
  let i = start;
  for (; end - i >= 16; i += 16) {
    // biome-ignore format: sixteen bytes in two rows
    head += text(
      bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!, bytes[i + 4]!, bytes[i + 5]!, bytes[i + 6]!, bytes[i + 7]!,
      bytes[i + 8]!, bytes[i + 9]!, bytes[i + 10]!, bytes[i + 11]!, bytes[i + 12]!, bytes[i + 13]!, bytes[i + 14]!, bytes[i + 15]!,
    );
  }
  if (end - i >= 8) {
    head += upToEight(bytes, i, 8);
    i += 8;
  }
  return end > i ? head + upToEight(bytes, i, end - i) : head;
}

// biome-ignore format: a table
function upToEight(bytes: Uint8Array, i: number, count: number): string {
  const a = bytes[i]!;
  switch (count) {
    case 1: return text(a);
    case 2: return text(a, bytes[i + 1]!);
    case 3: return text(a, bytes[i + 1]!, bytes[i + 2]!);
    case 4: return text(a, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!);
    case 5: return text(a, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!, bytes[i + 4]!);
    case 6: return text(a, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!, bytes[i + 4]!, bytes[i + 5]!);
    case 7: return text(a, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!, bytes[i + 4]!, bytes[i + 5]!, bytes[i + 6]!);
    default: return text(a, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!, bytes[i + 4]!, bytes[i + 5]!, bytes[i + 6]!, bytes[i + 7]!);
  }
}

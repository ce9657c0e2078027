// SPDX-License-Identifier: Apache-2.0
import type { Random } from "./random.js";

/** Changes bytes a little, or a lot; `other` is a message to take pieces from. */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let list = [...bytes];
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(list.length + 1);
    switch (random.below(9)) {
      case 0:
        list[Math.min(at, Math.max(0, list.length - 1))] = random.below(256);
        break;
      case 1:
        list.splice(at, 1 + random.below(3));
        break;
      case 2:
        list.splice(at, 0, random.below(256));
        break;
      case 3:
        list = list.slice(0, at);
        break;
      case 4:
        // A message twice, or two of them: fields are merged, lists grow.
        list = [...list, ...other];
        break;
      case 5:
        list = [...other.slice(0, at), ...list.slice(at)];
        break;
      case 6:
        if (at < list.length) list[at] = list[at]! ^ (1 << random.below(8));
        break;
      case 7:
        // The same number in more bytes than it needs.
        if (at < list.length && list[at]! < 0x80) list.splice(at, 1, list[at]! | 0x80, 0x80, 0);
        break;
      default:
        list.splice(at, 0, ...unknownField(random));
    }
  }
  return Uint8Array.from(list);
}

/** A field that most messages don't have, in each wire type, groups too. */
function unknownField(random: Random): number[] {
  const tag = (wireType: number): number[] => [(9 << 3) | wireType | 0x80, 0x7d | 0x80, 0x01];
  return random.pick([
    [...tag(0), 0x85, 0x01],
    [...tag(1), 1, 2, 3, 4, 5, 6, 7, 8],
    [...tag(2), 3, 65, 66, 67],
    [...tag(5), 1, 2, 3, 4],
    [...tag(3), 0x08, 0x01, ...tag(4)],
    [...tag(3), 0x08, 0x01],
  ]);
}

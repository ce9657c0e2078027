// SPDX-License-Identifier: Apache-2.0
import type { Attack } from "./attack.js";
import { callAttacks } from "./kinds/calls.js";
import { frameAttacks } from "./kinds/frames.js";
import { headerAttacks } from "./kinds/headers.js";
import { memoryAttacks } from "./kinds/memory.js";
import { timeAttacks } from "./kinds/times.js";

/** All attacks, in the order in which they are played. */
export const attacks: readonly Attack[] = [
  ...frameAttacks,
  ...headerAttacks,
  ...timeAttacks,
  ...callAttacks,
  ...memoryAttacks,
];

// SPDX-License-Identifier: Apache-2.0
import { wrongArgument } from "../options/check-options.js";

/** The default of `capacity`: as many values as a handle lets wait. */
const defaultCapacity = 16;

/** A number of values that may wait, from 1; throws `InvalidArgument` for anything else, but for undefined. */
export function capacityOption(value: number | undefined): number {
  if (value === undefined) return defaultCapacity;
  if (Number.isInteger(value) && value >= 1) return value;
  throw wrongArgument("capacity", value, "an integer from 1");
}

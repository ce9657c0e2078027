// SPDX-License-Identifier: Apache-2.0

/** What a oneof holds, as it is given or as it was read. */
export interface Chosen {
  readonly case?: unknown;
  readonly value?: unknown;
}

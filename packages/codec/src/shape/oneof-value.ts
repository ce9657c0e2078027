// SPDX-License-Identifier: Apache-2.0

/** The value of a oneof, as protobuf-es represents it. */
export interface OneofValue {
  readonly case?: unknown;
  readonly value?: unknown;
}

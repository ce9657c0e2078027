// SPDX-License-Identifier: Apache-2.0

/** How messages are serialised. */
export type MessageFormat = "proto" | "json";

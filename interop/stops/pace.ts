// SPDX-License-Identifier: Apache-2.0

/** Time between two messages of a stream, and twice that between two calls. */
export const tickMs = 50;

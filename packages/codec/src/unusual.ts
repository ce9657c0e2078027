// SPDX-License-Identifier: Apache-2.0

/**
 * Thrown where compiled code meets what it is not made for: a value of the wrong type, malformed bytes, a group. Then
 * protobuf-es does the whole message again, and so decides what comes of it. One object, since making an `Error` costs more
 * than most messages; it never leaves the package.
 */
export const unusual = new Error("left to protobuf-es");

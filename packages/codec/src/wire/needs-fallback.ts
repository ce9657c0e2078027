// SPDX-License-Identifier: Apache-2.0

/**
 * Compiled code throws this for a value of the wrong type, malformed bytes or a group. The package then gives the whole message to
 * protobuf-es, whose result or error counts. The code throws one object, since making an `Error` costs more than most messages.
 * The object never leaves the package.
 */
export const needsFallback = new Error("protobuf-es has to do this message");

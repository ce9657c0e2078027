// SPDX-License-Identifier: Apache-2.0

/** What a client says it is; the version is checked against package.json by a test. */
export const userAgentValue = "tristream/0.1.0";

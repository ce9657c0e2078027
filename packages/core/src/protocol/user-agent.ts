// SPDX-License-Identifier: Apache-2.0

/** The client's user-agent. A test compares the version with package.json. */
export const userAgentValue = "tristream/0.1.0";

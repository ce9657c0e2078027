// SPDX-License-Identifier: Apache-2.0

/** Every case, in the order it runs; README.md says what each proves. The last two end the server. */
export const cases = [
  "unary",
  "server-stream",
  "client-stream",
  "bidi-stream",
  "group-version",
  "group-version-miss",
  "unknown-service",
  "error",
  "error-mid-stream",
  "error-early",
  "exception",
  "early-answer",
  "deadline",
  "deadline-stream",
  "cancel-unary",
  "cancel-server-stream",
  "cancel-client-stream",
  "cancel-bidi-stream",
  "metadata",
  "metadata-stream",
  "large",
  "empty",
  "many",
  "concurrent",
  "drain",
  "crash",
];

/** Cases after which the server is gone: each has a server and a client process of its own. */
export const lastCases = new Set(["drain", "crash"]);

/** What a peer has no way to do: client, server ("*" is any), case. */
const impossible = [
  // dubbo-java's streams take no deadline, and its unary calls can't be cancelled
  ["java", "*", "deadline-stream"],
  ["java", "*", "cancel-unary"],
  // the peers' handlers are not told that their server shuts down
  ["*", "go", "drain"],
  ["*", "java", "drain"],
];

export function applies(name, client, server) {
  return !impossible.some(
    ([c, s, n]) => n === name && (c === "*" || c === client) && (s === "*" || s === server),
  );
}

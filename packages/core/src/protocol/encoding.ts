// SPDX-License-Identifier: Apache-2.0
import { quote } from "./quote.js";

/** For the error of a compression that is not accepted: which one it is, which ones are, and where more are given. */
export function describeRefusedEncoding(encoding: string, accepted: readonly string[]): string {
  const known = [...accepted, "identity"];
  return `${quote(encoding)}: accepted ${known.length === 1 ? "is" : "are"} ${known.join(", ")} (option acceptCompression)`;
}

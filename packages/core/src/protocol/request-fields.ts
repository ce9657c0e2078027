// SPDX-License-Identifier: Apache-2.0
import * as names from "./headers.js";

/** The fields with which a request begins (RFC 9113 §8.3.1). */
export function headFields(
  verb: string,
  target: { readonly scheme: string; readonly path: string; readonly authority: string },
): string[] {
  return [
    names.pseudoMethod,
    verb,
    names.pseudoScheme,
    target.scheme,
    names.pseudoPath,
    target.path,
    names.pseudoAuthority,
    target.authority,
  ];
}

// SPDX-License-Identifier: Apache-2.0
// The texts of errors that one version of Node alone can't show.
// Mutant: node/src/node-error.ts # .replace("SSL/TLS_ALERT", "SSLV3_ALERT")
import { tlsReason } from "./node-error.js";

test("an alert has its text by the name of OpenSSL 3.0, and by that of 3.2", () => {
  for (const name of ["SSLV3_ALERT", "SSL/TLS_ALERT"]) {
    const error = Object.assign(new Error("an alert"), { code: `ERR_SSL_${name}_BAD_CERTIFICATE` });
    expect(tlsReason(error)).toBe("the other end does not accept this end's certificate");
  }
});

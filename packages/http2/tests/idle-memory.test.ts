// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. A connection without calls keeps nothing that only makes it faster.
// Mutant: http2/src/connection/connection.ts # this.decoder.forget(); => undefined;
// Mutant: http2/src/guards/watchdog.ts # if (streams > 0) this.idleSince = now;
import { expect, test } from "@jest/globals";
import { headers, request } from "./frames.js";
import { Subject } from "./subject.js";

test("a connection forgets the header lists of its peer after 10 s without streams, and not while one is open", () => {
  const subject = new Subject("server").greet();
  const pass = (seconds: number): void => {
    for (let s = 0; s < seconds; s++) {
      subject.link.clock += 1000;
      subject.connection.advance(subject.link.clock);
    }
  };
  const { decoder } = subject.connection;
  subject.receive(headers(1, request, { end: true }));
  const remembered = decoder.remembered;
  expect(remembered).toBeGreaterThan(0);
  pass(60);
  expect(decoder.remembered).toBe(remembered);
  subject.stream(1).sendHeaders([":status", "200"], true);
  pass(10);
  expect(decoder.remembered).toBe(remembered);
  pass(1);
  expect(decoder.remembered).toBe(0);
});

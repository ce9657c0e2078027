// SPDX-License-Identifier: Apache-2.0
// The PINGs that the owner of a connection asks for.
// Mutant: http2/src/receive/control-frames.ts # if (this.roundTrips.acknowledged(b, start)) return;
// Mutant: http2/src/flow/round-trips.ts # this.unanswered.shift()?.(); => this.unanswered[0]?.();
// Mutant: http2/src/flow/round-trips.ts # if (this.unanswered.length === 0 || roundTripPing.some( => if (this.unanswered.length === 0 && roundTripPing.some(
import { describe, expect, it } from "@jest/globals";
import { keepalivePing } from "../src/connection/keepalive.js";
import { ping } from "./frames.js";
import { Subject } from "./subject.js";

const acknowledgement = ping("roundtri", true);

describe("a PING of the owner of a connection", () => {
  it("is answered by its acknowledgement, in order and once", () => {
    const subject = new Subject("server").greet();
    const answers: number[] = [];
    subject.connection.ping(() => answers.push(1));
    subject.connection.ping(() => answers.push(2));
    subject.quiesce();
    expect(subject.sent().filter((line) => line.startsWith("PING"))).toHaveLength(2);
    expect(answers).toEqual([]);
    subject.receive(acknowledgement);
    expect(answers).toEqual([1]);
    subject.receive(acknowledgement, acknowledgement);
    expect(answers).toEqual([1, 2]);
    // The third PING was not asked for.
    expect(subject.connection.counters.emptyFrames).toBe(1);
  });

  it("is not answered by an acknowledgement with other bytes", () => {
    const subject = new Subject("server").greet();
    let answered = false;
    subject.connection.ping(() => {
      answered = true;
    });
    subject.receive(ping(keepalivePing, true), ping("12345678", true));
    expect(answered).toBe(false);
    expect(subject.connection.counters.emptyFrames).toBe(2);
  });

  it("is neither sent nor answered on a connection that has ended", () => {
    const subject = new Subject("server").greet();
    let answered = false;
    subject.connection.abort("over");
    subject.quiesce();
    subject.sent();
    subject.connection.ping(() => {
      answered = true;
    });
    subject.quiesce();
    expect(subject.sent()).toEqual([]);
    subject.receive(acknowledgement);
    expect(answered).toBe(false);
  });
});

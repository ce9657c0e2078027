// SPDX-License-Identifier: Apache-2.0
// The offender, in a process of its own.
import { attacks } from "./attack-list.js";
import { answer } from "./child.js";
import { Offender, pause } from "./offender-connections.js";

/** An offender that was cut comes again, but not sooner, and not in the last part of the time: a round has to end in it. */
const roundMs = 250;
const roundsIn = 0.5;
/** How much longer the offender stays on a connection that has to be ended. */
const patience = 4;

answer<"offender">({
  async play({ attack, port, seconds }) {
    const chosen = attacks.find(({ name }) => name === attack)!;
    const offender = new Offender(port, seconds, chosen.ends === true ? patience : 0);
    const lastRound = performance.now() + roundsIn * seconds * 1000;
    while (offender.report.rounds === 0 || (performance.now() < lastRound && !offender.timeIsUp)) {
      const next = pause(roundMs);
      offender.report.rounds++;
      await chosen.play(offender);
      await next;
    }
    offender.leave();
    return offender.report;
  },
});

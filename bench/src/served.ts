// SPDX-License-Identifier: Apache-2.0
import { type Draft, drafts, type Plan, type Received, reply, summary, Tally } from "./messages.js";

/** A server's handling of messages, and how many it has received: the same for every peer. */
export class Served {
  /** Messages of all finished calls, plans included. The client says how many it has sent; both must be equal. */
  received = 0;

  /** Answers a unary call. */
  unary(message: Received): Draft {
    this.received++;
    return reply(message);
  }

  /** Makes the planned messages, then the summary of them. */
  *answer(plan: Plan): Generator<Draft, void, undefined> {
    this.received++;
    const tally = new Tally();
    for (const message of drafts(plan.bytes, plan.count)) {
      tally.add(message);
      yield message;
    }
    yield summary(tally);
  }

  /** Ends a stream of requests and makes the summary of them. */
  close(tally: Tally): Draft {
    this.received += tally.count;
    return summary(tally);
  }
}

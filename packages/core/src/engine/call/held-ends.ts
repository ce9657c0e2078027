// SPDX-License-Identifier: Apache-2.0

import type { Connection } from "../../carrier/connection.js";
import { nextTurn } from "../../runtime/turns.js";
import type { DeadlineEntry, DeadlineWheel } from "./deadline.js";

/** The receiver of a request stream's end. */
export interface EndReceiver {
  /** The hold is over. The receiver ignores it if a reset has come first. */
  deliverEnd(): void;
}

/** Time for the client to answer the PING, in milliseconds. The deadline wheel adds up to 4 ms. */
const answerMs = 2;

/**
 * The request streams of one connection that have ended, and may still be reset. connect-es cancels an upload by END_STREAM, and its
 * RST_STREAM follows in a later write. So an end waits until the client has answered a PING that was sent after the end arrived.
 * A client that is far away has 2 to 6 ms.
 *
 * One PING is in flight at a time. Ends that arrive meanwhile share the next one. See docs/decisions/0009-held-ends.md.
 */
export class HeldEnds {
  private readonly connection: Pick<Connection, "ping">;
  private readonly deadlines: DeadlineWheel;
  /** Ends that arrived before the PING in flight was sent. */
  private asked: Set<HeldEnd> = new Set();
  /** Ends that arrived later: the next PING asks for them. */
  private arrived: Set<HeldEnd> = new Set();
  private pinging = false;

  constructor(connection: Pick<Connection, "ping">, deadlines: DeadlineWheel) {
    this.connection = connection;
    this.deadlines = deadlines;
  }

  /** Delivers the end later. On a connection without PING: after two turns of the event loop. */
  hold(receiver: EndReceiver): void {
    if (this.connection.ping === undefined) {
      holdForTwoTurns(receiver);
      return;
    }
    const end = new HeldEnd(this, receiver);
    this.arrived.add(end);
    this.deadlines.add(end, answerMs);
    if (!this.pinging) this.ping();
  }

  /** The client has not answered in time. It may never answer, so the end is forgotten here. */
  expired(end: HeldEnd): void {
    if (!this.asked.delete(end)) this.arrived.delete(end);
    holdForTwoTurns(end.receiver);
  }

  /** The connection is over, and each stream has been reset. */
  clear(): void {
    for (const ends of [this.asked, this.arrived]) {
      for (const end of ends) this.deadlines.remove(end);
      ends.clear();
    }
  }

  private ping(): void {
    const { arrived } = this;
    this.arrived = this.asked;
    this.asked = arrived;
    this.pinging = true;
    this.connection.ping?.(this.answered);
  }

  private readonly answered = (): void => {
    this.pinging = false;
    for (const end of this.asked) {
      this.deadlines.remove(end);
      // RST_STREAM may lie behind the answer in the same chunk.
      holdForTwoTurns(end.receiver);
    }
    this.asked.clear();
    if (this.arrived.size > 0) this.ping();
  };
}

/** One end that waits, in the wheel of deadlines: there is no timer for each stream. */
class HeldEnd implements DeadlineEntry {
  dueAt = 0;
  deadlineNext: DeadlineEntry | null = null;
  deadlinePrevious: DeadlineEntry | null = null;
  deadlineSet = false;
  readonly receiver: EndReceiver;
  private readonly owner: HeldEnds;

  constructor(owner: HeldEnds, receiver: EndReceiver) {
    this.owner = owner;
    this.receiver = receiver;
  }

  /** @inheritdoc */
  onDeadline(): void {
    this.owner.expired(this);
  }
}

/** Ends that came in this turn of the event loop, and in the one before. */
let ofThisTurn: EndReceiver[] = [];
let ofLastTurn: EndReceiver[] = [];
let turnPlanned = false;

/**
 * Delivers the end of a request stream when the input of this turn of the event loop and of the next was read. All streams share one
 * callback a turn.
 */
export function holdForTwoTurns(receiver: EndReceiver): void {
  ofThisTurn.push(receiver);
  if (turnPlanned) return;
  turnPlanned = true;
  nextTurn(endTurn);
}

function endTurn(): void {
  const due = ofLastTurn;
  ofLastTurn = ofThisTurn;
  ofThisTurn = [];
  turnPlanned = ofLastTurn.length > 0;
  if (turnPlanned) nextTurn(endTurn);
  deliver(due, 0);
}

/** Delivers each end once, also when a receiver throws: the others get theirs in the next turn. */
function deliver(due: readonly EndReceiver[], from: number): void {
  let next = from;
  try {
    while (next < due.length) due[next++]!.deliverEnd();
  } finally {
    if (next < due.length) nextTurn(() => deliver(due, next));
  }
}

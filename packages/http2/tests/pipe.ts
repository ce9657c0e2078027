// SPDX-License-Identifier: Apache-2.0
import { Connection } from "../src/connection/connection.js";
import type { ConnectionEvents } from "../src/connection/connection-events.js";
import type { Http2Options } from "../src/connection/options.js";
import { join } from "./frames.js";
import type { Random } from "./random.js";
import { ScriptedLink } from "./scripted-link.js";

/** One end of a {@link Pipe}: a connection, its link, and the bytes that are on their way to it. */
export interface End {
  readonly connection: Connection;
  readonly link: ScriptedLink;
  /** Bytes that the other end has sent and that have not arrived. */
  inbox: Uint8Array;
  /** Everything that has arrived so far. */
  readonly arrived: Uint8Array[];
  closed: boolean;
}

/** Two connections joined in memory, whose bytes, turns and drains happen in the order that a random number decides. */
export class Pipe {
  readonly client: End;
  readonly server: End;
  private readonly random: Random;

  constructor(
    random: Random,
    options: { client?: Http2Options; server?: Http2Options },
    events: { client?: ConnectionEvents; server?: ConnectionEvents },
  ) {
    this.random = random;
    this.client = makeEnd(new ScriptedLink(), (link) => new Connection("client", link, options.client));
    this.server = makeEnd(new ScriptedLink(), (link) => new Connection("server", link, options.server));
    this.client.connection.start(events.client ?? {});
    this.server.connection.start(events.server ?? {});
  }

  /** Lets one thing happen at one end. */
  step(): void {
    const { random } = this;
    const [here, there] = random.oneIn(2) ? [this.client, this.server] : [this.server, this.client];
    switch (random.int(0, 3)) {
      case 0:
        here.link.endTurn();
        break;
      case 1:
        here.link.turn();
        break;
      case 2:
        this.carry(here, there);
        break;
      case 3:
        this.deliver(here, random.int(1, random.pick([1, 20, 1000, 100_000])));
    }
  }

  /** Lets everything happen that is under way. */
  quiesce(): void {
    for (let quiet = 0; quiet < 3; quiet++) {
      for (const [here, there] of [
        [this.client, this.server],
        [this.server, this.client],
      ] as const) {
        here.link.quiesce();
        if (this.carry(here, there)) quiet = 0;
        if (here.inbox.length > 0) quiet = 0;
        this.deliver(here, here.inbox.length);
        here.link.quiesce();
      }
    }
  }

  /** Moves the output of one end to the other. */
  private carry(here: End, there: End): boolean {
    const bytes = here.link.take();
    if (bytes.length > 0) there.inbox = join(there.inbox, bytes);
    if (here.link.pending > 0) here.link.drain();
    // A random link: now it swallows at once, now it keeps the buffer for a while.
    here.link.fast = this.random.oneIn(2);
    return bytes.length > 0;
  }

  private deliver(end: End, n: number): void {
    const bytes = end.inbox.slice(0, n);
    end.inbox = end.inbox.subarray(bytes.length);
    if (bytes.length === 0) return;
    end.arrived.push(bytes);
    end.connection.receive(bytes);
  }
}

function makeEnd(link: ScriptedLink, connect: (link: ScriptedLink) => Connection): End {
  return { connection: connect(link), link, inbox: new Uint8Array(0), arrived: [], closed: false };
}

// SPDX-License-Identifier: Apache-2.0
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { JoinResponseSchema } from "@tristream/gen/chat/chat_pb.js";
import { type BroadcastReader, broadcast, Code, ConnectError, createChannel } from "@tristream/node";

/** What happens in the room, as a message to a member. */
export type RoomEvent = MessageInitShape<typeof JoinResponseSchema>;

/** A member's seat: the events for this member. Leaving its block leaves the room. */
export interface Seat extends AsyncDisposable {
  readonly events: BroadcastReader<RoomEvent>;
}

/** The room: one stream of events, which each member reads. */
export class Room {
  private readonly members = new Set<string>();
  private readonly events = createChannel<RoomEvent>({ capacity: 64 });
  /** A member for whom 256 events wait is too slow. Its call ends; the others don't wait for it. */
  private readonly feed = broadcast(this.events, { capacity: 256, whenSlow: "end", withoutReaders: "drop" });

  /** The names of the members, sorted. */
  get names(): string[] {
    return [...this.members].sort();
  }

  /** Gives a member a seat until the seat is disposed or the signal of the member's call fires. */
  async enter(name: string, signal: AbortSignal): Promise<Seat> {
    if (this.members.has(name)) throw new ConnectError(`the name ${name} is taken`, Code.AlreadyExists);
    this.members.add(name);
    // Subscribed first, so that the member misses nothing. The first event is the member's own coming.
    const events = this.feed.subscribe({ signal });
    await this.events.send({ event: { case: "joined", value: name } });
    return {
      events,
      [Symbol.asyncDispose]: async () => {
        await events.return();
        this.members.delete(name);
        // Rejects if the room is closed: no member is there to hear the event.
        await this.events.send({ event: { case: "left", value: name } }).catch(() => {});
      },
    };
  }

  /** Says a text to all members; settles when the room has taken the text. */
  say(name: string, text: string): Promise<void> {
    return this.events.send({ event: { case: "said", value: { name, text } } });
  }

  /** Ends the members' calls: they may come again when a server runs. */
  close(): Promise<void> {
    return this.feed.close(new ConnectError("the server stops", Code.Unavailable));
  }
}

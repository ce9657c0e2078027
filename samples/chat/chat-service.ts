// SPDX-License-Identifier: Apache-2.0
import { ChatService, type JoinRequest } from "@tristream/gen/chat/chat_pb.js";
import { Code, ConnectError, driven, type TripleRouter, type TripleServiceImpl } from "@tristream/node";
import type { Room } from "./room.js";

const goodName = /^[\p{L}\p{N}_-]{1,20}$/u;
const longestText = 1000;

/** The chat service of a room. */
export function chatService(room: Room): TripleServiceImpl<typeof ChatService> {
  return {
    // Both directions at once: one loop sends what happens, the other one receives what the member says.
    join: driven(async (stream, { signal }) => {
      const name = nameOf(await stream.receive());
      await using seat = await room.enter(name, signal);
      await stream.send({ event: { case: "members", value: { names: room.names } } });
      stream.run(async () => {
        for await (const event of seat.events) await stream.send(event);
      });
      for await (const request of stream) await room.say(name, textOf(request));
      // The member has ended the requests. Leaving the block disposes of the seat, which ends the other loop.
    }),

    listMembers: () => ({ members: { names: room.names } }),
  };
}

/** The routes of `serve`. */
export function routes(room: Room): (router: TripleRouter) => void {
  return (router) => void router.service(ChatService, chatService(room));
}

function nameOf(request: JoinRequest | undefined): string {
  const { action } = request ?? {};
  if (action?.case === "name" && goodName.test(action.value)) return action.value;
  throw new ConnectError("begin with a name of 1 to 20 letters, digits, _ and -", Code.InvalidArgument);
}

function textOf({ action }: JoinRequest): string {
  if (action.case === "text" && action.value.length <= longestText) return action.value;
  throw new ConnectError(`send texts of at most ${longestText} characters`, Code.InvalidArgument);
}

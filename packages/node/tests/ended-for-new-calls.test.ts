// SPDX-License-Identifier: Apache-2.0
// A connection that has ended for new calls gets none: FIN and GOAWAY count when they arrive, not when the socket says "close".
// Mutant: node/src/socket-link.ts # receiver.closed(this.error);
// Mutant: http2/src/receive/control-frames.ts # graceful.received(last); => if (code === 0) return; graceful.received(last);
import { expect, it } from "@jest/globals";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport } from "@tristream/node";
import { turns } from "../../core/tests/events.js";
import { Setting } from "../../http2/src/connection/settings.js";
import { goAway, settings, settingsAck, windowUpdate } from "../../http2/tests/frames.js";
import { echoServer, passOn, scriptedPeer } from "./scripted-peer.js";

/** A peer that lets the client send as much as it likes, and reads nothing. */
const unread = [settings(Setting.INITIAL_WINDOW_SIZE, 2 ** 30), settingsAck, windowUpdate(0, 2 ** 30)];

it("a call between the peer's FIN and the socket's close goes to a new connection", async () => {
  await using server = await echoServer();
  await using peer = await scriptedPeer((socket) => {
    if (peer.sockets.length > 1) passOn(socket, server.port);
    else {
      socket.pause();
      for (const frame of unread) socket.write(frame);
    }
  });
  await using transport = createTransport(peer.url);
  const client = createClient(GreetService, transport);
  const upload = client.greetClientStream();
  const outcome = upload.closeAndReceive.bind(upload);
  // Until neither the windows nor the socket take more: such a socket does not close at once.
  const name = "x".repeat(1_000_000);
  for (let taken = true; taken; ) {
    taken = false;
    void upload.send({ name }).then(
      () => {
        taken = true;
      },
      () => {},
    );
    await turns(50);
  }
  const socket = await peer.accepted(0);
  await new Promise<void>((resolve) => socket.end(resolve));
  await turns(50);
  expect((await client.greet({ name: "a" })).greeting).toBe("a");
  const error = await outcome().then(
    () => null,
    (e: unknown) => ConnectError.from(e),
  );
  expect(error?.code).toBe(Code.Unavailable);
  expect(error?.rawMessage).toContain("lost after no answer");
});

it("a call after the peer's GOAWAY goes to a new connection, and those that run go on", async () => {
  await using server = await echoServer();
  await using peer = await scriptedPeer((socket) => passOn(socket, server.port));
  await using transport = createTransport(peer.url);
  const client = createClient(GreetService, transport);
  const chat = client.greetStream();
  await chat.send({ name: "before" });
  expect((await chat.receive())?.greeting).toBe("before");
  // Between two frames of the server, which has nothing more to say.
  peer.sockets[0]!.write(goAway(1, 0));
  await turns(50);
  expect((await client.greet({ name: "a" })).greeting).toBe("a");
  expect(peer.sockets).toHaveLength(2);
  await chat.send({ name: "after" });
  expect((await chat.receive())?.greeting).toBe("after");
  await chat.closeRequest();
  expect(await chat.receive()).toBeUndefined();
});

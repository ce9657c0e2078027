// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { OpenStreams } from "../../wire/open-streams.js";

/** A port in the middle of a connection, that keeps count of the streams on it. */
export interface Tap extends AsyncDisposable {
  readonly port: number;
  /** Streams that neither a reset nor both ends' END_STREAM has closed, on the wire. */
  readonly openStreams: number;
}

/** Opens a port that leads to another one of this machine. */
export async function tapStreams(port: number): Promise<Tap> {
  const connections: OpenStreams[] = [];
  const sockets = new Set<Socket>();
  const tap = createServer((client) => {
    const server = connect({ host: "127.0.0.1", port });
    const streams = new OpenStreams();
    connections.push(streams);
    client.on("data", (bytes) => {
      streams.fromClient(bytes);
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      streams.fromServer(bytes);
      client.write(bytes);
    });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
  });
  await once(tap.listen(0, "127.0.0.1"), "listening");
  return {
    port: (tap.address() as AddressInfo).port,
    get openStreams() {
      return connections.reduce((sum, streams) => sum + streams.size, 0);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => tap.close(resolve));
    },
  };
}

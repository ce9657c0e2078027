// SPDX-License-Identifier: Apache-2.0
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from "node:net";
import type { Direction } from "@tristream/testing";

/** Sees what passes. */
export type Tap = (bytes: Uint8Array, direction: Direction) => void;

/** A socket in the middle of a connection. */
export interface Relay {
  /** Where a client connects. */
  readonly url: string;
  /** Ends both sides of every connection at once. */
  cut(): void;
  close(): Promise<void>;
}

/** Passes bytes on to `target`; listens on loopback, or at `path`. */
export async function startRelay(
  target: NetConnectOpts,
  path: string | undefined,
  tap?: Tap,
): Promise<Relay> {
  const sockets = new Set<Socket>();
  const pass = (from: Socket, to: Socket, direction: Direction): void => {
    sockets.add(from);
    from.on("data", (bytes) => {
      tap?.(bytes, direction);
      // A relay that takes everything would hide that an end does not read.
      if (!to.write(bytes)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroySoon();
    });
  };
  const server = createServer((client) => {
    const upstream = connect(target);
    pass(client, upstream, "client-to-server");
    pass(upstream, client, "server-to-client");
  });
  await new Promise<void>((resolve) => server.listen(path ?? { host: "127.0.0.1", port: 0 }, resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: path === undefined ? `tri://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${path}`,
    cut,
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

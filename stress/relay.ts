// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { OpenStreams } from "../wire/open-streams.js";
import { becomes } from "./events.js";

/** A port in the middle of all connections: sees what is open on them, and cuts them. */
export class Relay {
  /** RST_STREAM of clients, by code, on all connections that there were. */
  readonly clientResets: Map<number, number> = new Map();
  /** Resets of clients that had ended their request before. */
  endedBeforeReset = 0;
  private readonly server: Server;
  private readonly target: number;
  private readonly connections = new Map<Socket, { readonly other: Socket; readonly streams: OpenStreams }>();

  private constructor(target: number) {
    this.target = target;
    this.server = createServer((client) => this.accept(client));
  }

  /** Opens a port that leads to another one of this machine. */
  static async open(target: number): Promise<Relay> {
    const relay = new Relay(target);
    await once(relay.server.listen(0, "127.0.0.1"), "listening");
    return relay;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Streams that are open on the wire. */
  get openStreams(): number {
    let n = 0;
    for (const { streams } of this.connections.values()) n += streams.size;
    return n;
  }

  /** Destroys both sides of every connection. */
  cut(): void {
    for (const [client, { other }] of this.connections) {
      client.destroy();
      other.destroy();
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
    // A socket's frames are counted when it closes, and the last sockets close after the server.
    if (!(await becomes(() => this.connections.size === 0)))
      throw new Error(`waited in vain for the relay's sockets to close: ${this.connections.size} are open`);
  }

  private accept(client: Socket): void {
    const other = connect({ host: "127.0.0.1", port: this.target });
    const streams = new OpenStreams();
    this.connections.set(client, { other, streams });
    pass(client, other, (bytes) => streams.fromClient(bytes));
    pass(other, client, (bytes) => streams.fromServer(bytes));
    client.on("close", () => {
      this.connections.delete(client);
      for (const [code, n] of streams.clientResets)
        this.clientResets.set(code, (this.clientResets.get(code) ?? 0) + n);
      this.endedBeforeReset += streams.endedBeforeReset;
    });
  }
}

function pass(from: Socket, to: Socket, see: (bytes: Buffer) => void): void {
  from.setNoDelay(true);
  from.on("data", (bytes) => {
    see(bytes);
    // A relay that takes everything would hide that an end does not read.
    if (!to.write(bytes)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  from.on("error", () => {});
  from.on("close", () => to.destroySoon());
}

// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  sensitiveHeaders,
} from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { HpackDecoder, HpackEncoder, type Random } from "./codec.js";
import { frame, HEADER_TABLE_SIZE, headerFrames, readFrames, settings, Type } from "./frames.js";
import { Lists, secrets } from "./lists.js";

const batch = 100;
const ACK = 1;
/** The sizes of tables, of ours and of node's. */
const sizes = [0, 40, 100, 1000, 4096];

/**
 * Ours encodes the requests and decodes the responses, node:http2 the other way round: it is given our blocks on a bare
 * socket, and shows what it read. Both change the size of their tables as they go.
 */
export async function oursAndNode(random: Random, count: number): Promise<void> {
  const exchange = new Exchange(random);
  try {
    await exchange.start();
    for (let done = 0; done < count; done += batch) await exchange.run(Math.min(batch, count - done));
  } finally {
    exchange.end();
  }
}

class Exchange {
  private readonly random: Random;
  private readonly lists: Lists;
  private readonly encoder = new HpackEncoder(4096, { sensitive: secrets });
  private readonly decoder = new HpackDecoder({ maxListSize: 1 << 24, maxFields: 10_000 });
  private readonly out = new Uint8Array(1 << 20);
  /** The lists that were sent and not yet read by the other side, by stream. */
  private readonly requests = new Map<number, string>();
  private readonly responses = new Map<number, string>();
  private readonly server: Http2Server = createServer();
  private socket!: Socket;
  private session!: ServerHttp2Session;
  private nextId = 1;
  private unanswered = 0;
  private settle: (error?: Error) => void = () => {};

  constructor(random: Random) {
    this.random = random;
    this.lists = new Lists(random, true);
  }

  async start(): Promise<void> {
    // The types of Node 20 don't know the fourth argument, the fields as they were received.
    const onStream = (stream: ServerHttp2Stream, _: IncomingHttpHeaders, _flags: number, raw: string[]) =>
      this.answer(stream, raw);
    this.server.on("stream", onStream as (...args: unknown[]) => void);
    this.server.on("sessionError", (error) => this.fail(`node: ${error}`));
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    const session = once(this.server, "session");
    this.socket = connect((this.server.address() as AddressInfo).port, "127.0.0.1");
    this.socket.on("error", (error) => this.fail(String(error)));
    this.socket.on("close", () => this.fail("node closed the connection"));
    readFrames(this.socket, (type, flags, id, payload) => this.frame(type, flags, id, payload));
    this.socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    this.socket.write(settings());
    [this.session] = await session;
  }

  /** Sends so many requests at once, and waits for their answers. */
  async run(count: number): Promise<void> {
    const parts: Buffer[] = [];
    for (let changes = this.random.pick([0, 0, 1, 2, 3]); changes > 0; changes--) {
      parts.push(settings(HEADER_TABLE_SIZE, this.random.pick(sizes)));
      this.session.settings({ headerTableSize: this.random.pick([...sizes, 65_536]) });
    }
    const answered = new Promise<void>((resolve, reject) => {
      this.settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.unanswered = count;
    for (let i = 0; i < count; i++) parts.push(...this.request());
    this.socket.write(Buffer.concat(parts));
    await answered;
  }

  end(): void {
    this.settle = () => {};
    this.socket?.destroy();
    this.server.close();
  }

  private request(): Buffer[] {
    const id = this.nextId;
    this.nextId += 2;
    const path = `/s/${this.random.int(0, 5)}`;
    const pseudo = [":method", "POST", ":scheme", "http", ":path", path, ":authority", "localhost"];
    const fields = [...pseudo, ...this.lists.next()];
    this.requests.set(id, JSON.stringify(fields));
    const end = this.encoder.encode(fields, this.out, 0);
    return headerFrames(id, Buffer.from(this.out.slice(0, end)));
  }

  /** At node: compares what was read, and answers with another list. */
  private answer(stream: ServerHttp2Stream, raw: readonly string[]): void {
    const id = stream.id ?? 0;
    this.compare("node", this.requests, id, raw);
    // node refuses a second value of some names, so there is one of each.
    const fields = new Map<string, string>();
    const list = this.lists.next();
    for (let i = 0; i < list.length; i += 2) fields.set(list[i] ?? "", list[i + 1] ?? "");
    this.responses.set(id, JSON.stringify([":status", "200", ...[...fields].flat()]));
    const headers = {
      ":status": 200,
      ...Object.fromEntries(fields),
      [sensitiveHeaders]: this.random.oneIn(2) ? ["x-secret", "x-a"] : [],
    };
    const options = { sendDate: false, endStream: true }; // not in the types of Node 20 either
    stream.respond(headers, options);
  }

  private frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === Type.HEADERS) {
      this.compare("we", this.responses, id, this.decoder.decode(payload, 0, payload.length).fields);
      if (--this.unanswered === 0) this.settle();
    } else if (type === Type.SETTINGS && (flags & ACK) === 0) {
      for (let at = 0; at < payload.length; at += 6) {
        if (payload.readUInt16BE(at) === HEADER_TABLE_SIZE)
          this.encoder.setPeerTableSize(payload.readUInt32BE(at + 2));
      }
      this.socket.write(frame(Type.SETTINGS, ACK, 0));
    } else if (type !== Type.SETTINGS && type !== Type.WINDOW_UPDATE)
      this.fail(`node sent frame ${type}: ${payload.toString("hex")}`);
  }

  private compare(who: string, sent: Map<number, string>, id: number, read: readonly string[]): void {
    const [expected, got] = [sent.get(id), JSON.stringify(read)];
    sent.delete(id);
    if (got !== expected) this.fail(`stream ${id}: ${who} read ${got}\n  not ${expected}`);
  }

  private fail(text: string): void {
    this.settle(new Error(text));
  }
}

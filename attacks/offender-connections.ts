// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from "node:net";
import { codeName, Flag, ping, preface, settings, settingsAck, Type } from "../wire/frames.mjs";
import type { OffenderReport } from "./attack.js";

/** How a connection of the offender behaves. */
export interface Manners {
  /** The first bytes that it sends. Default: the preface, and SETTINGS of {@link Manners.settings}. */
  first?: Buffer;
  /** SETTINGS as id, value, id, value … */
  settings?: number[];
  /** Reads what the server sends. Default true. */
  reads?: boolean;
  /** Acknowledges SETTINGS. Default true. */
  acknowledges?: boolean;
}

const tickMs = 5;
/** The most that one write has, in time: an offender that the machine has held up doesn't send all at once. */
const mostAtOnceMs = 20;

/** Makes the offender's connections, and counts what becomes of them. */
export class Offender {
  readonly report: OffenderReport = {
    opened: 0,
    ended: 0,
    longestMs: 0,
    goAways: {},
    resets: {},
    headers: 0,
    dataReceived: 0,
    sent: 0,
    rounds: 0,
  };
  /** When the attack is over. */
  private readonly until: number;
  private readonly port: number;
  private readonly open = new Set<RawConnection>();

  /** `patience`: so many seconds more for connections that have to be ended. */
  constructor(port: number, seconds: number, patience: number) {
    this.port = port;
    this.until = performance.now() + (seconds + patience) * 1000;
  }

  get timeIsUp(): boolean {
    return performance.now() >= this.until;
  }

  async connect(manners: Manners = {}): Promise<RawConnection> {
    const socket = connect({ host: "127.0.0.1", port: this.port, noDelay: true });
    this.report.opened++;
    const raw = new RawConnection(socket, this.report, manners);
    this.open.add(raw);
    void raw.over.then(() => this.open.delete(raw));
    // A server may refuse it at once: `over` settles then.
    await Promise.race([comes(socket, "connect"), raw.over]);
    return raw;
  }

  /** Settles when the time of the attack is over. */
  async untilTheEnd(): Promise<void> {
    await pause(Math.max(0, this.until - performance.now()));
  }

  /** The offender leaves: what is still open was not ended by the server. */
  leave(): void {
    for (const raw of this.open) raw.leave();
    this.open.clear();
  }
}

/** A connection by hand: it writes given frames, and answers only SETTINGS and PING. */
export class RawConnection {
  /** Settles when the connection is closed, by whomever. */
  readonly over: Promise<void>;
  private readonly socket: Socket;
  private readonly report: OffenderReport;
  private readonly began = performance.now();
  private rest: Buffer = Buffer.alloc(0);
  private readonly acknowledges: boolean;
  private left = false;
  private closed = false;

  constructor(
    socket: Socket,
    report: OffenderReport,
    { first, settings: pairs = [], reads = true, acknowledges = true }: Manners,
  ) {
    this.acknowledges = acknowledges;
    this.socket = socket;
    this.report = report;
    // "close" comes for each end of a connection: a reset is one way.
    socket.on("error", () => {});
    if (reads) socket.on("data", (bytes: Buffer) => this.read(bytes));
    socket.on("end", () => socket.destroy());
    this.over = comes(socket, "close").then(() => {
      this.closed = true;
      if (this.left) return;
      report.ended++;
      report.longestMs = Math.max(report.longestMs, performance.now() - this.began);
    });
    void this.send(first ?? Buffer.concat([preface, settings(...pairs)]));
  }

  get alive(): boolean {
    return !this.closed;
  }

  /** Writes; settles when there is room for more. */
  async send(...parts: Uint8Array[]): Promise<void> {
    if (this.closed) return;
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    this.report.sent += bytes.length;
    if (!this.socket.write(bytes)) await Promise.race([comes(this.socket, "drain"), this.over]);
  }

  /** Writes `perSecond` times a second what `make` gives, at most `most` times, until the connection or the time is over. */
  async pace(
    offender: Offender,
    perSecond: number,
    make: (i: number) => Buffer,
    most = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    let then = performance.now() - tickMs;
    let allowed = 0;
    for (let i = 0; i < most && this.alive && !offender.timeIsUp; ) {
      const now = performance.now();
      allowed += (Math.min(now - then, mostAtOnceMs) / 1000) * perSecond;
      then = now;
      const due = Math.min(most, Math.ceil(allowed));
      const parts: Buffer[] = [];
      while (i < due) parts.push(make(i++));
      if (parts.length > 0) await this.send(...parts);
      await pause(tickMs);
    }
  }

  /** Settles when the server has ended the connection, or the time is up. */
  async awaitEnd(offender: Offender): Promise<void> {
    await Promise.race([this.over, offender.untilTheEnd()]);
  }

  leave(): void {
    this.left = true;
    this.socket.destroy();
  }

  private read(bytes: Buffer): void {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    let at = 0;
    while (this.rest.length - at >= 9) {
      const length = this.rest.readUIntBE(at, 3);
      if (this.rest.length - at < 9 + length) break;
      this.frame(this.rest[at + 3]!, this.rest[at + 4]!, this.rest.subarray(at + 9, at + 9 + length));
      at += 9 + length;
    }
    this.rest = this.rest.subarray(at);
  }

  private frame(type: number, flags: number, payload: Buffer): void {
    const { report } = this;
    const count = (by: Record<string, number>, code: number) => {
      by[codeName(code)] = (by[codeName(code)] ?? 0) + 1;
    };
    if (type === Type.DATA) report.dataReceived += payload.length;
    else if (type === Type.HEADERS) report.headers++;
    else if (type === Type.RST_STREAM) count(report.resets, payload.readUInt32BE(0));
    else if (type === Type.GOAWAY) count(report.goAways, payload.readUInt32BE(4));
    else if ((flags & Flag.ACK) !== 0) return;
    else if (type === Type.SETTINGS && this.acknowledges) void this.send(settingsAck);
    else if (type === Type.PING) void this.send(ping(payload.toString("latin1"), true));
  }
}

/** Not `events.once`: that rejects when the socket has an error, which is one way to end. */
function comes(socket: Socket, event: "connect" | "drain" | "close"): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}

/** A timer, and nothing else: the offender is bound to a rate. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

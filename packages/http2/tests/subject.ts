// SPDX-License-Identifier: Apache-2.0
import { Connection } from "../src/connection/connection.js";
import { errorCodeName, Http2ConnectionError } from "../src/connection/error-code.js";
import type { Http2Options } from "../src/connection/options.js";
import { clientPreface, FrameType, readUint32 } from "../src/frame/frame-type.js";
import type { OutgoingHeaders } from "../src/hpack/header-block.js";
import type { HeaderList } from "../src/hpack/header-list.js";
import type { Stream } from "../src/streams/stream.js";
import type { StreamSink } from "../src/streams/stream-sink.js";
import {
  describeFrame,
  join,
  type ParsedFrame,
  parseFrames,
  request,
  settings,
  settingsAck,
} from "./frames.js";
import { ScriptedLink } from "./scripted-link.js";

/** Either end of a connection. */
export type Role = "client" | "server";

/** The private numbers of a stream's receive window, which no public name shows. */
interface StreamWindows {
  left: number;
  windowTarget: number;
  unannounced: number;
  borrowed: number;
  admitted: number;
  tried: number;
  waits: boolean;
  bodyReceived: number;
  coming: number;
  message: number;
  messageEnd: number;
}

/** Reads the numbers of a stream's receive window. A cast, since only tests may look. */
export function windowsOf(stream: Stream): StreamWindows {
  const window = stream.receiveWindow as unknown as Omit<StreamWindows, keyof typeof noMessage> & {
    message: { size: number; end: number; admitted: number; tried: number; waits: boolean } | null;
  };
  if (window.message === null) return { ...window, ...noMessage };
  const { size, end, admitted, tried, waits } = window.message;
  return { ...window, message: size, messageEnd: end, admitted, tried, waits };
}

const noMessage = { message: 0, messageEnd: 0, admitted: 0, tried: 0, waits: false };

/**
 * A connection under test on a scripted link: what its events and sinks hear is a list of lines, what it sends is
 * read back, and both windows are kept from the peer's point of view.
 */
export class Subject {
  readonly role: Role;
  readonly link = new ScriptedLink();
  readonly connection: Connection;
  /** The events, a line each; consecutive pieces of a body are one line. */
  readonly log: string[] = [];
  /** The streams by id: those opened by the peer, and by {@link Subject.open}. */
  readonly streams = new Map<number, Stream>();
  /** True if sinks give back what they get at once; otherwise it gathers in {@link Subject.held}. */
  crediting = true;
  /** The server's action on a stream as soon as the peer has opened it. */
  serve: ((stream: Stream) => void) | null = null;
  /** Called on a server when the turn of a stream's answer comes. */
  answerTurn: ((stream: Stream) => void) | null = null;
  /** Bytes that the sinks have not given back, by stream. */
  readonly held = new Map<number, number>();
  /** The bytes that the peer may send, by the frames that it got: by stream, 0 for the connection. */
  readonly peerWindows = new Map<number, number>([[0, 65_535]]);
  private over = false;
  private parsed: ParsedFrame[] = [];

  /** Events of `active`, which the log leaves out. */
  readonly activity: boolean[] = [];

  constructor(role: Role, options?: Http2Options) {
    this.role = role;
    this.connection = new Connection(role, this.link, options);
    this.connection.start({
      stream: (stream, list, end) => {
        this.streams.set(stream.id, stream);
        stream.sink = this.sink(() => stream);
        this.log.push(
          `${stream.id} request${end ? " END" : ""} ${list.get(":path") ?? list.get(":authority")}`,
        );
        this.serve?.(stream);
      },
      goAway: (code, last, debug) => {
        this.log.push(`goaway ${errorCodeName(code)} ${last}${debug === "" ? "" : ` ${debug}`}`);
      },
      doubted: () => {
        this.log.push("doubted");
      },
      active: (active) => {
        this.activity.push(active);
      },
      closed: (error) => {
        const code = error instanceof Http2ConnectionError ? errorCodeName(error.code) : error?.message;
        this.log.push(code === undefined ? "closed" : `closed ${code}`);
      },
    });
  }

  /** Brings the connection past the first SETTINGS of both sides, and forgets what was sent and heard. */
  greet(...pairs: number[]): this {
    this.receive(...(this.role === "server" ? [clientPreface] : []), settings(...pairs), settingsAck);
    this.frames();
    this.log.length = 0;
    return this;
  }

  /** Feeds bytes as one chunk each, then runs what was put off. */
  receive(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.connection.receive(chunk);
    this.quiesce();
  }

  /** Runs what was put off, and closes a link that the connection has ended. */
  quiesce(): void {
    this.link.quiesce();
    if (this.link.closing && !this.over) this.close();
  }

  /** The link is gone. */
  close(error?: Error): void {
    this.over = true;
    this.connection.closed(error);
    this.link.quiesce();
  }

  /** Client: opens a stream with a sink that writes to the log. */
  open(headers: OutgoingHeaders = request, end = false): Stream {
    let stream: Stream | undefined;
    stream = this.connection.open(
      this.sink(() => stream),
      headers,
      end,
    );
    if (stream.id !== 0) this.streams.set(stream.id, stream);
    return stream;
  }

  /** Stream 1, or the given one. */
  stream(id = 1): Stream {
    const stream = this.streams.get(id);
    if (stream === undefined) throw new Error(`no stream ${id}`);
    return stream;
  }

  /** The frames sent since the last call. */
  frames(): ParsedFrame[] {
    this.collect();
    const frames = this.parsed;
    this.parsed = [];
    return frames;
  }

  /** The frames sent since the last call, a line each. */
  sent(): string[] {
    return this.frames().map(describeFrame);
  }

  /** How the connection ended: code and option, or null while it goes on. */
  get endedBy(): { code: number; limit: string | undefined } | null {
    const { failure } = this.connection.state;
    if (failure === undefined) return null;
    if (!(failure instanceof Http2ConnectionError)) throw failure;
    const { code, limit } = failure;
    if (limit !== undefined && !failure.message.includes(`option http2.${limit}`))
      throw new Error(`"${failure.message}" does not name ${limit}`);
    return { code, limit };
  }

  /** True if the connection still goes on. */
  get alive(): boolean {
    return this.link.state === "open" && !this.over;
  }

  /** Counts DATA that the peer sent against its windows. */
  charge(bytes: Uint8Array): void {
    for (const { type, id, payload } of parseFrames(bytes, true)) {
      if (type !== FrameType.DATA) continue;
      for (const key of [0, id])
        this.peerWindows.set(key, (this.peerWindows.get(key) ?? 65_535) - payload.length);
    }
  }

  /** The bytes that the peer may send on a stream, 0 for the connection. */
  peerWindow(id: number): number {
    this.collect();
    return this.peerWindows.get(id) ?? 65_535;
  }

  /** The faults of the windows, if any: no byte of credit is lost or made, and both ends agree. */
  imbalance(): string[] {
    const wrong: string[] = [];
    const { flow } = this.connection;
    if (!flow.balanced) wrong.push("the connection's flow control does not add up");
    const held = [...this.held.values()].reduce((sum, n) => sum + n, 0);
    if (flow.held !== held) wrong.push(`flow control holds ${flow.held}, the sinks ${held}`);
    if (this.peerWindow(0) !== flow.window)
      wrong.push(`window ${flow.window}, at the peer ${this.peerWindow(0)}`);
    for (const [id, stream] of this.streams) {
      if (stream.closed || stream.remoteEnded) continue;
      const w = windowsOf(stream);
      const sum = w.left + w.unannounced + (this.held.get(id) ?? 0) - w.borrowed;
      if (sum !== w.windowTarget) wrong.push(`stream ${id}: ${sum} of ${w.windowTarget}`);
      if (this.peerWindow(id) !== w.left)
        wrong.push(`stream ${id}: window ${w.left}, at the peer ${this.peerWindow(id)}`);
    }
    return wrong;
  }

  private collect(): void {
    for (const parsed of parseFrames(this.link.take())) {
      this.parsed.push(parsed);
      if (parsed.type !== FrameType.WINDOW_UPDATE) continue;
      const window = this.peerWindows.get(parsed.id) ?? 65_535;
      this.peerWindows.set(parsed.id, window + readUint32(parsed.payload, 0));
    }
  }

  private sink(of: () => Stream | undefined): StreamSink {
    const say = (what: string) => this.log.push(`${of()?.id ?? 0} ${what}`);
    const status = (list: HeaderList) => list.get(":status") ?? list.fields.join(" ");
    return {
      headers: (list, end) => say(`headers${end ? " END" : ""} ${status(list)}`),
      data: (_b, start, end) => {
        const stream = of()!;
        this.logData(stream.id, end - start);
        if (this.crediting) stream.credit(end - start);
        else this.held.set(stream.id, (this.held.get(stream.id) ?? 0) + end - start);
      },
      trailers: (list) => say(`trailers ${status(list)}`),
      end: () => say("end"),
      reset: (reset) => say(`reset ${errorCodeName(reset.code)} ${reset.source} ${reset.disposition}`),
      writable: () => say("writable"),
      answerTurn: () => this.answerTurn?.(of()!),
    };
  }

  private logData(id: number, n: number): void {
    const last = /^(\d+) data (\d+)$/.exec(this.log.at(-1) ?? "");
    if (last !== null && Number(last[1]) === id)
      this.log[this.log.length - 1] = `${id} data ${Number(last[2]) + n}`;
    else this.log.push(`${id} data ${n}`);
  }
}

/** A step of a test: bytes arrive, or this side or the clock does something. */
export type Step = Uint8Array | ((subject: Subject) => void);

/** Plays steps; bytes that follow each other are one chunk, or arrive in pieces of `size`. */
export function play(subject: Subject, steps: readonly Step[], size = Number.POSITIVE_INFINITY): void {
  let bytes: Uint8Array = new Uint8Array(0);
  const flush = () => {
    subject.charge(bytes);
    for (let at = 0; at < bytes.length; at += size) subject.receive(bytes.subarray(at, at + size));
    bytes = new Uint8Array(0);
  };
  for (const step of steps) {
    if (step instanceof Uint8Array) {
      bytes = join(bytes, step);
      continue;
    }
    flush();
    step(subject);
    subject.quiesce();
  }
  flush();
}

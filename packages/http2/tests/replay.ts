// SPDX-License-Identifier: Apache-2.0
import { Connection } from "../src/connection/connection.js";
import { errorCodeName, Http2ConnectionError } from "../src/connection/error-code.js";
import type { Http2Options } from "../src/connection/options.js";
import type { HeaderList } from "../src/hpack/header-list.js";
import type { Stream } from "../src/streams/stream.js";
import type { StreamSink } from "../src/streams/stream-sink.js";
import { join } from "./frames.js";
import { ScriptedLink } from "./scripted-link.js";
import type { Role } from "./subject.js";

/** A request that a client makes when it starts: its path, the bytes of its body, whether trailers end it. */
export interface Call {
  readonly path: string;
  readonly body: number;
  readonly trailers?: boolean;
}

// Looking a global up is slow within jest's realm.
const { imul } = Math;

/** An application takes so many bytes at a time, wherever chunks end: so credit does not depend on them. */
const bite = 1000;

/**
 * One end of a connection whose application does the same for the same bytes, however they are cut. A server answers a
 * request when it has ended, as its path says: `/send/N` (N bytes and trailers), `/empty` (headers alone), `/early`
 * (before the request has ended), `/cancel` (resets at the first byte), `/leave` (shuts down, and answers).
 */
export class Replay {
  /** The events, a line each. */
  readonly log: string[] = [];
  readonly link = new ScriptedLink();
  readonly connection: Connection;
  private over = false;

  constructor(role: Role, calls: readonly Call[] = [], options: Http2Options = {}) {
    this.connection = new Connection(role, this.link, options);
    this.connection.start({
      stream: (stream, list, end) => this.serve(stream, list, end),
      goAway: (code, last, debug) => this.log.push(`goaway ${errorCodeName(code)} ${last} ${debug}`),
      closed: (error) => {
        const code = error instanceof Http2ConnectionError ? errorCodeName(error.code) : "";
        this.log.push(`closed ${code} ${error?.message ?? ""}`);
      },
    });
    for (const call of calls) this.call(call);
  }

  /** Feeds bytes. */
  receive(bytes: Uint8Array): void {
    this.connection.receive(bytes);
  }

  /** Runs what was put off, and closes a link that the connection has ended. */
  quiesce(): void {
    this.link.quiesce();
    if (!this.link.closing || this.over) return;
    this.over = true;
    this.connection.closed();
    this.link.quiesce();
  }

  private call({ path, body, trailers = false }: Call): void {
    const fields = [":method", "POST", ":scheme", "http", ":path", path];
    let stream: Stream | undefined;
    const sink = this.sink(() => stream, undefined);
    stream = this.connection.open(sink, fields, body === 0 && !trailers);
    if (body > 0) stream.write(bytes(body), !trailers);
    if (trailers) stream.sendTrailers(["x-body", String(body)]);
  }

  private serve(stream: Stream, list: HeaderList, end: boolean): void {
    const path = list.get(":path") ?? "";
    this.log.push(`${stream.id} request${end ? " END" : ""} ${list.fields.join(" ")}`);
    stream.sink = this.sink(() => stream, path);
    if (path === "/early") this.answer(stream, path);
    else if (end) this.answer(stream, path);
  }

  private answer(stream: Stream, path: string): void {
    if (path === "/leave") this.connection.shutdown();
    const [, size = "0"] = /^\/send\/(\d+)$/.exec(path) ?? [];
    stream.sendHeaders([":status", "200", "x-path", path], path === "/empty");
    if (Number(size) > 0) stream.write(bytes(Number(size)), false);
    stream.sendTrailers(["x-body", size]);
    stream.close();
  }

  /** `path`: of a server's request; a client has none. */
  private sink(of: () => Stream | undefined, path: string | undefined): StreamSink {
    let body = 0;
    let sum = 0;
    let eaten = 0;
    const say = (what: string) => this.log.push(`${of()?.id ?? 0} ${what}`);
    const ended = (what: string) => {
      say(`body ${body} ${sum}`);
      say(what);
      of()?.credit(body - eaten);
      eaten = body;
      if (path !== undefined && path !== "/early") this.answer(of()!, path);
    };
    return {
      headers: (list, end) => {
        say(`headers${end ? " END" : ""} ${list.fields.join(" ")}`);
      },
      data: (b, start, end) => {
        for (let i = start; i < end; i++) sum = (imul(sum, 31) + b[i]!) | 0;
        body += end - start;
        for (; body - eaten >= bite; eaten += bite) of()!.credit(bite);
        if (path === "/cancel") of()!.reset(8);
      },
      trailers: (list) => ended(`trailers ${list.fields.join(" ")}`),
      end: () => ended("end"),
      reset: (reset) =>
        say(`reset ${errorCodeName(reset.code)} ${reset.source} ${reset.disposition} ${body} ${sum}`),
      writable: () => {},
    };
  }
}

/** The output of both ends of a conversation: each is the input of the other end. */
export interface Recording {
  readonly toServer: Uint8Array;
  readonly toClient: Uint8Array;
}

/** Has a client make calls to a server, and records what passes between them. */
export function record(calls: readonly Call[], options: Http2Options = {}): Recording {
  const client = new Replay("client", calls, options);
  const server = new Replay("server", [], options);
  const toServer: Uint8Array[] = [];
  const toClient: Uint8Array[] = [];
  for (let quiet = false; !quiet; ) {
    client.link.quiesce();
    server.link.quiesce();
    const [up, down] = [client.link.take(), server.link.take()];
    quiet = up.length + down.length === 0;
    if (up.length > 0) server.receive(up);
    if (down.length > 0) client.receive(down);
    toServer.push(up);
    toClient.push(down);
  }
  return { toServer: join(...toServer), toClient: join(...toClient) };
}

const pattern = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);

function bytes(length: number): Uint8Array {
  return pattern.subarray(0, length);
}

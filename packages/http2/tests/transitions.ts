// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, errorCodeName } from "../src/connection/error-code.js";
import { headers, request, response } from "./frames.js";
import { play, type Role, type Step, Subject } from "./subject.js";

/** A row of the transition table: a state, what arrives in it, what comes of it. */
export interface Row {
  /** The section of RFC 9113 that decides; 5.3.1 is of RFC 7540, since RFC 9113 has dropped it. Several rows share one. */
  readonly rfc: string;
  /** The state and the input. */
  readonly title: string;
  /** The ends for which it holds. */
  readonly roles: readonly Role[];
  /** True if the first SETTINGS have yet to be exchanged. Default false. */
  readonly early?: boolean;
  /** How the state comes about; nothing of it is looked at. */
  readonly given?: readonly Step[];
  /** The input. */
  readonly input: readonly Step[];
  /** The expected calls of events and sinks; none by default. */
  readonly sees?: readonly string[];
  /** The expected output; none by default. */
  readonly sends?: readonly string[];
  /** The code of the connection error, for which GOAWAY and the end of the connection are expected besides. */
  readonly dies?: number;
  /** The connection ends without an error of the peer. */
  readonly ends?: boolean;
}

/** Both ends. */
export const both: readonly Role[] = ["server", "client"];
/** The server's end. */
export const server: readonly Role[] = ["server"];
/** The client's end. */
export const client: readonly Role[] = ["client"];

/** The calls of an open stream's sink when the connection dies. */
export const lost1 = "1 reset CANCEL connection maybe-processed";
/** The calls of a stream's sink when the peer breaks the rules on that stream. */
export const broken1 = "1 reset PROTOCOL_ERROR local maybe-processed";
/** The RST_STREAM for it. */
export const broke1 = "RST_STREAM 1 PROTOCOL_ERROR";

/** Stream 1 is open: the client sent its headers. */
export const opened = (s: Subject): void => {
  if (s.role === "server") s.receive(headers(1, request));
  else s.open();
};

/** Stream 1 is open, and the response has begun. */
export const answered = (s: Subject): void => {
  opened(s);
  if (s.role === "server") s.stream().sendHeaders(response, false);
  else s.receive(headers(1, response));
};

/** Stream 1 is half-closed (remote): the peer has ended its side. */
export const peerEnded = (s: Subject): void => {
  if (s.role === "server") {
    s.receive(headers(1, request, { end: true }));
    s.stream().sendHeaders(response, false);
  } else {
    s.open();
    s.receive(headers(1, response, { end: true }));
  }
};

/** Stream 1 was ended by both sides. */
export const bothEnded = (s: Subject): void => {
  peerEnded(s);
  s.stream().sendEnd();
};

/** Opens streams from `first` on and ends them, so many that the table of closed streams forgets those before. */
export function others(first: number, count: number): Step {
  return (s) => {
    for (let id = first; id < first + 2 * count; id += 2) {
      if (s.role === "server") s.receive(headers(id, request, { end: true }));
      else s.open(request, true);
      if (s.role === "server") s.stream(id).sendHeaders(response, true);
      else s.receive(headers(id, response, { end: true }));
    }
    s.quiesce();
    s.log.length = 0;
    s.frames();
  };
}

/** The outcome of a row. */
export interface Outcome {
  readonly sees: readonly string[];
  readonly sends: readonly string[];
  readonly alive: boolean;
  /** The faults in the windows of a connection that lives on. */
  readonly imbalance: readonly string[];
  /** The output and the events of a connection after its death. */
  readonly afterlife: readonly string[];
}

/** Plays a row, its input in pieces of `size` bytes. */
export function playRow(row: Row, role: Role, size: number): Outcome {
  const subject = new Subject(role, role === "server" ? { maxConcurrentStreams: 2 } : {});
  if (row.early === true) subject.quiesce();
  else subject.greet();
  play(subject, row.given ?? []);
  subject.frames();
  subject.log.length = 0;
  play(subject, row.input, size);
  const outcome = { sees: [...subject.log], sends: subject.sent(), alive: subject.alive };
  const imbalance = subject.alive ? subject.imbalance() : [];
  subject.log.length = 0;
  if (!subject.alive) {
    subject.receive(headers(101, request, { end: true }));
    subject.connection.advance(1_000_000);
    subject.connection.shutdown();
    for (const stream of subject.streams.values()) {
      stream.write(new Uint8Array(10), true);
      stream.credit(0);
      stream.reset(ErrorCode.CANCEL);
    }
    subject.quiesce();
  }
  const afterlife = subject.alive ? [] : [...subject.log, ...subject.sent()];
  return { ...outcome, imbalance, afterlife };
}

/** The outcome of a row by the table. */
export function expected(row: Row): Outcome {
  const { sees = [], sends = [], dies, ends = false } = row;
  const name = dies === undefined ? "" : errorCodeName(dies);
  return {
    sees: dies === undefined ? sees : [...sees, `closed ${name}`],
    sends: dies === undefined ? sends : [...sends, `GOAWAY ${name}`],
    alive: dies === undefined && !ends,
    imbalance: [],
    afterlife: [],
  };
}

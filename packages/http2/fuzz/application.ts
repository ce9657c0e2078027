// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from "../src/connection/error-code.js";
import { response } from "../tests/frames.js";
import type { Machine } from "./machine.js";
import type { Action } from "./step.js";
import type { WatchedStream } from "./watched-stream.js";

const trailers = ["x-status", "0"];
/** U+2020 is no byte. */
const unsendable = ["x-status", "\u2020"];
/** The largest message that an application sends. */
export const largestMessage = 200_000;
const bytes = new Uint8Array(largestMessage).fill(0x61);

/** Does what an application may do with a stream, also with one that is long gone. */
export function act(machine: Machine, watched: WatchedStream, action: Action, n: number, end: boolean): void {
  const { stream } = watched;
  if (stream === undefined) return;
  switch (action) {
    case "answer":
      if (machine.conversation.role === "server" && !stream.send.answered)
        stream.sendHeaders(n % 2 === 0 ? machine.prepared : response, end);
      return;
    case "write":
      answerFirst(machine, watched);
      if (stream.refuseMessage(n) === null) watched.sent(stream.write(bytes.subarray(0, n), end));
      return;
    case "writeInPlace":
      writeInPlace(machine, watched, n, end);
      return;
    case "writeInterrupted":
      writeInterrupted(machine, watched, n, end);
      return;
    case "end":
      answerFirst(machine, watched);
      stream.sendEnd();
      return;
    case "trailers":
      answerFirst(machine, watched);
      stream.sendTrailers(trailers);
      return;
    case "badTrailers":
      answerFirst(machine, watched);
      try {
        stream.sendTrailers(unsendable);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      return;
    case "credit":
    case "creditAll": {
      const taken = action === "credit" ? Math.min(n, watched.held) : watched.held;
      watched.held -= taken;
      stream.credit(taken);
      return;
    }
    case "messageNeeds":
      stream.messageNeeds(n);
      return;
    case "reset":
      giveUp(watched);
      stream.reset(n);
      return;
    case "close":
      giveUp(watched);
      stream.close();
      return;
    case "release":
      watched.released = true;
      stream.release();
      return;
    case "answerInTurn":
      if (machine.conversation.role !== "server" || stream.closed || watched.turn !== null) return;
      if (stream.answerWaits(!stream.send.answered)) watched.turn = { n, end };
      else act(machine, watched, "write", n, end);
      return;
    case "parse":
      stream.parses(n);
      return;
    case "compress":
      // The next one ends it: the message is dropped.
      if (watched.compressing > 0) n = -watched.compressing;
      else if (stream.closed || stream.refuseMessage(n) !== null) return;
      watched.compressing += n;
      stream.compressing(n);
  }
}

function giveUp(watched: WatchedStream): void {
  watched.gaveUp = true;
  watched.silent = true;
}

function answerFirst(machine: Machine, watched: WatchedStream): void {
  act(machine, watched, "answer", 0, false);
}

function writeInPlace(machine: Machine, watched: WatchedStream, n: number, end: boolean): void {
  answerFirst(machine, watched);
  const stream = watched.stream!;
  const at = stream.reserve(n);
  if (at < 0) return;
  stream.buffer.fill(0x62, at, at + n);
  watched.sent(stream.commit(n, end));
}

/** Something else is sent while the place is being written to. */
function writeInterrupted(machine: Machine, watched: WatchedStream, n: number, end: boolean): void {
  answerFirst(machine, watched);
  const stream = watched.stream!;
  const at = stream.reserve(n);
  if (at < 0) return;
  const b = stream.buffer;
  const other = machine.streams[n % machine.streams.length]!;
  const interruptions: readonly Action[] = [
    "write",
    "writeInPlace",
    "trailers",
    "end",
    "reset",
    "close",
    "credit",
  ];
  const interruption = interruptions[n % interruptions.length]!;
  act(machine, other, interruption, interruption === "reset" ? ErrorCode.CANCEL : n, false);
  b.fill(0x63, at, at + n);
  if (stream.buffer === b && !stream.closed) {
    watched.sent(stream.commit(n, end));
  } else {
    stream.unreserve();
    if (stream.refuseMessage(n) === null) watched.sent(stream.write(bytes.subarray(0, n), end));
  }
}

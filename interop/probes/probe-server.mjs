// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { connect } from "node:net";
import { Flag, preface, settings, settingsAck, Type } from "../../wire/frames.mjs";
import { isReaction, reactionOf, Wire } from "./wire.mjs";

const answerMs = 1000;
/** Go closes a second after its GOAWAY. */
const closeMs = 3000;

/** Probes the server on a port; gives what it did. */
export async function probeServer(port, probe) {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const wire = new Wire(socket);
  try {
    if (!probe.early) await greet(wire, probe);
    for (const step of (probe.given ?? []).flat()) await play(wire, step);
    if (!probe.early && !(await wire.barrier())) return `no such state: ${reactionOf(wire, false)}`;
    wire.frames = [];
    for (const step of probe.input) await play(wire, step);
    return await outcome(wire, probe);
  } finally {
    wire.destroy();
  }
}

async function greet(wire, probe) {
  wire.send(preface, settings());
  const theirs = ({ type, flags }) => type === Type.SETTINGS && (flags & Flag.ACK) === 0;
  await wire.until(() => wire.frames.some(theirs), answerMs);
  if (!probe.unacknowledged) wire.send(settingsAck);
}

async function play(wire, step) {
  const bytes = typeof step === "function" ? await step(wire) : step;
  if (bytes !== undefined) wire.send(bytes);
}

async function outcome(wire, { early, answers, observe }) {
  if (answers) await wire.until(() => wire.frames.some(isReaction), answerMs);
  let alive = early === true ? false : await wire.barrier();
  // What a handler does comes a little after what the protocol does.
  if (alive) alive = (await wire.barrier()) && (await wire.barrier());
  if (observe !== undefined && alive) return observed(wire, observe);
  if (!alive) await wire.until(() => wire.closed, closeMs);
  return reactionOf(wire, alive);
}

/** What a healthy connection did besides. */
function observed(wire, what) {
  if (what === "credit") return wire.stuck ? "stuck" : "given back";
  const bytes = wire.frames.reduce(
    (sum, { type, payload }) => sum + (type === Type.DATA ? payload.length : 0),
    0,
  );
  return bytes === 0 ? "ignored" : `DATA ${bytes}`;
}

// SPDX-License-Identifier: Apache-2.0
import type { ByteLink, ByteReceiver, Peer } from "../src/connection/byte-link.js";

/**
 * A link of which the test is the runtime: it keeps what is written, runs what was put off only when told to, and its
 * clock stands still until it is set.
 */
export class ScriptedLink implements ByteLink {
  readonly peer: Peer = { address: "script", transport: "memory" };
  pending = 0;
  /** The time of {@link ScriptedLink.now}. */
  clock = 1000;
  /** True if the link swallows what is written at once. Otherwise bytes are pending until {@link ScriptedLink.drain}. */
  fast = true;
  /** The connection's calls of the link. */
  state: "open" | "ended" | "destroyed" = "open";
  /** The last call of `setActive`. */
  active: boolean | undefined;
  /** True if the connection wants nothing delivered for now. */
  paused = false;
  /** Calls of `write`. */
  writes = 0;
  private receiver: ByteReceiver | undefined;
  private written: Uint8Array[] = [];
  private afterTurns: (() => void)[] = [];
  private nextTurns: (() => void)[] = [];

  start(receiver: ByteReceiver): void {
    this.receiver = receiver;
  }

  write(bytes: Uint8Array): boolean {
    if (this.state !== "open") throw new Error(`written to a link that is ${this.state}`);
    this.writes++;
    // A copy when the buffer may be reused; else a reference, so that a buffer reused too early shows.
    const consumed = this.fast && this.pending === 0;
    this.written.push(consumed ? new Uint8Array(bytes) : bytes);
    if (consumed) return true;
    this.pending += bytes.length;
    return false;
  }

  end(): void {
    this.state = "ended";
  }

  destroy(): void {
    this.state = "destroyed";
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  afterTurn(callback: () => void): void {
    this.afterTurns.push(callback);
  }

  nextTurn(callback: () => void): void {
    this.nextTurns.push(callback);
  }

  setActive(active: boolean): void {
    this.active = active;
  }

  now(): number {
    return this.clock;
  }

  /** Ends the turn: what waits for its end runs, what that adds too. */
  endTurn(): void {
    for (let run = this.afterTurns; run.length > 0; run = this.afterTurns) {
      this.afterTurns = [];
      for (const callback of run) callback();
    }
  }

  /** Ends the turn and runs the next one to its end. Returns whether anything ran in it. */
  turn(): boolean {
    this.endTurn();
    const run = this.nextTurns;
    this.nextTurns = [];
    for (const callback of run) callback();
    this.endTurn();
    return run.length > 0;
  }

  /** Runs turns until nothing is put off any more. */
  quiesce(): void {
    for (let turns = 0; this.turn(); turns++) if (turns > 10_000) throw new Error("the turns do not end");
  }

  /** Takes what was written so far. */
  take(): Uint8Array {
    const parts = this.written;
    this.written = [];
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** Everything pending leaves. */
  drain(): void {
    this.pending = 0;
    this.receiver?.drained();
  }

  get writable(): boolean {
    return this.state !== "destroyed";
  }

  /** True if the link waits for the test to say that it is closed. */
  get closing(): boolean {
    return this.state !== "open";
  }
}

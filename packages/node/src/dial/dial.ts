// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, type PickInfo } from "@tristream/core";
import type { Connection } from "@tristream/http2";
import { type Address, formatAddress } from "../address.js";
import { connectError } from "../node-error.js";
import { AddressRace } from "./address-race.js";
import type { ConnectionOwner } from "./connection-attempt.js";

/**
 * Time for which a dial goes on without waiting calls, in milliseconds. A client whose deadlines are shorter than its connection setup
 * still gets its connection; a process without other work ends.
 */
const unwaitedMs = 1000;

/**
 * Makes one connection for all calls that wait for it: the addresses are tried in order. The dial keeps the process alive as long
 * as a call waits, and is given up a second after the last one has left.
 */
export class Dial {
  private readonly addresses: readonly Address[];
  private readonly owner: ConnectionOwner;
  private readonly timeoutMs: number;
  /** The outcome. */
  readonly connection: Promise<Connection>;
  private readonly signals = new Set<AbortSignal>();
  private active = true;
  private race: AddressRace | null = null;
  private stopped: Error | null = null;
  private cancelUnwaited: (() => void) | null = null;

  constructor(addresses: readonly Address[], owner: ConnectionOwner, timeoutMs: number) {
    this.addresses = addresses;
    this.owner = owner;
    this.timeoutMs = timeoutMs;
    this.connection = this.run();
    const done = (): void => this.release();
    this.connection.then(done, done);
  }

  /** The dial was given up by its owner or its callers; its addresses have not failed. */
  get wasStopped(): boolean {
    return this.stopped !== null;
  }

  /** Waits for the connection. Rejects with `Unavailable`, which names each address and why it can't be reached. */
  wait({ signal }: PickInfo): Promise<Connection> {
    if (!signal.aborted) {
      this.signals.add(signal);
      signal.addEventListener("abort", this.left);
    }
    this.waitersChanged();
    return this.connection;
  }

  /** Gives up: the waiting calls fail with `error`. */
  stop(error: Error): void {
    this.stopped = error;
    this.race?.stop(error);
  }

  private readonly left = (event: Event): void => {
    this.signals.delete(event.target as AbortSignal);
    this.waitersChanged();
  };

  private waitersChanged(): void {
    const active = this.signals.size > 0;
    if (active === this.active) return;
    this.active = active;
    this.race?.setActive(active);
    this.cancelUnwaited?.();
    this.cancelUnwaited = null;
    if (active) return;
    const stop = (): void => this.stop(new Error("no call waits for it any more"));
    this.cancelUnwaited = this.owner.clock.after(unwaitedMs, stop, { background: true });
  }

  private async run(): Promise<Connection> {
    const errors: ConnectError[] = [];
    const { addresses } = this;
    // The first connection whose peer sent GOAWAY right behind its SETTINGS: a peer that is stopping takes no call.
    let ending: Connection | null = null;
    for (const address of addresses) {
      try {
        this.race = new AddressRace(address, this.owner, this.timeoutMs, addresses.length === 1, this.active);
        const connection = await this.race.won;
        if (connection.usable) return connection;
        ending ??= connection;
      } catch (error) {
        errors.push(connectError(formatAddress(address), error));
        if (this.stopped !== null) break;
      }
    }
    // No address takes calls. A call on this connection fails with what GOAWAY said, or asks for another connection.
    if (ending !== null) return ending;
    if (errors.length === 1) throw errors[0]!;
    const all = errors.map((error) => error.rawMessage).join("; ");
    throw new ConnectError(
      `none of ${errors.length} addresses can be reached: ${all}`,
      Code.Unavailable,
      undefined,
      undefined,
      errors[0],
    );
  }

  private release(): void {
    this.cancelUnwaited?.();
    for (const signal of this.signals) signal.removeEventListener("abort", this.left);
    this.signals.clear();
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions } from "node:tls";
import type { Connection } from "@tristream/http2";
import { type Address, formatAddress } from "../address.js";
import { connectReason } from "../node-error.js";
import { afterInput } from "./after-input.js";
import {
  type AttemptListener,
  ConnectionAttempt,
  type ConnectionOwner,
  type Place,
} from "./connection-attempt.js";
import { DialTimer } from "./dial-timer.js";
import { resolveHost } from "./resolve-host.js";

/** Time after which the next IP address of a name is tried beside the one before (RFC 8305 §8, "Connection Attempt Delay"). */
const staggerMs = 250;
/** The longest delay of `setTimeout`, in milliseconds. */
export const longestTimeout: number = 2 ** 31 - 1;

/**
 * Reaches one address, within `timeoutMs`. A name may have several IP addresses: each is tried when the one before has failed or has
 * taken 250 ms. The first whose peer sends SETTINGS wins; the others are closed. An address that accepts and stays silent does
 * not win.
 *
 * With `early` and a single IP address the connection is given out as soon as the socket is connected, which saves the first
 * call one round trip: the call has no other address to go to. The limit then still holds until SETTINGS arrives.
 */
export class AddressRace implements AttemptListener {
  /** The winner. Rejects with an `Error` that gives the reason for each place. */
  readonly won: Promise<Connection>;
  private readonly address: Address;
  private readonly owner: ConnectionOwner;
  /** The options of TLS; null for cleartext. */
  private readonly tls: ConnectionOptions | null;
  private readonly early: boolean;
  private readonly running = new Set<ConnectionAttempt>();
  private readonly failures: { readonly place: Place; readonly error: unknown }[] = [];
  private places: Place[] = [];
  /** Attempts whose SETTINGS are here, until the input behind these was read. */
  private readonly deciding = new Set<ConnectionAttempt>();
  /** The first connection whose peer sent GOAWAY or an end right behind its SETTINGS: taken if no other place is better. */
  private ending: Connection | null = null;
  private tried = 0;
  private active: boolean;
  private settled = false;
  private readonly timeout: DialTimer;
  private stagger: DialTimer | null = null;
  private resolve!: (connection: Connection) => void;
  private reject!: (error: unknown) => void;

  constructor(address: Address, owner: ConnectionOwner, timeoutMs: number, early: boolean, active: boolean) {
    this.address = address;
    this.owner = owner;
    this.tls = address.secure
      ? owner.tls!.optionsFor(address.kind === "tcp" ? address.host : "localhost")
      : null;
    this.early = early;
    this.active = active;
    this.won = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Without a limit, a timer still keeps the process alive: a lookup that an application has replaced may hold no handle.
    const atMost = Math.min(timeoutMs, longestTimeout);
    this.timeout = new DialTimer(owner.clock, atMost, () => this.expired(timeoutMs), active);
    if (address.kind === "unix") this.begin([{ path: address.path }]);
    else {
      const { host, port } = address;
      resolveHost(host)
        .then((ips) => this.begin(ips.map((ip) => ({ host: ip, port }))))
        .catch((error) => this.fail(error));
    }
  }

  /** Keeps the process alive, or lets it end. (The system's resolver keeps it alive during a lookup.) */
  setActive(active: boolean): void {
    this.active = active;
    this.timeout.setActive(active);
    this.stagger?.setActive(active);
    for (const attempt of this.running) attempt.setActive(active);
  }

  /** Gives up. */
  stop(error: Error): void {
    this.failures.length = 0;
    this.fail(error);
  }

  // ---- AttemptListener

  /** @inheritdoc */
  connected(attempt: ConnectionAttempt, connection: Connection): void {
    if (!this.early || this.places.length > 1 || this.settled) return;
    attempt.setActive(false);
    this.timeout.setActive(false);
    this.settled = true;
    this.resolve(connection);
  }

  /** @inheritdoc */
  ready(attempt: ConnectionAttempt, connection: Connection): void {
    this.running.delete(attempt);
    if (this.settled) {
      this.timeout.cancel();
      return;
    }
    // GOAWAY or an end may be behind the SETTINGS: input that is here is read first.
    this.deciding.add(attempt);
    afterInput(() => {
      if (!this.deciding.delete(attempt)) return;
      if (connection.usable) this.win(attempt, connection);
      else {
        this.ending ??= connection;
        attempt.setActive(false);
        this.tryOther();
      }
    });
  }

  /** @inheritdoc */
  failed(attempt: ConnectionAttempt, error: Error): void {
    this.running.delete(attempt);
    if (this.settled) {
      this.timeout.cancel();
      return;
    }
    this.failures.push({ place: attempt.place, error });
    this.tryOther();
  }

  private win(attempt: ConnectionAttempt | null, connection: Connection): void {
    // From here on the connection's streams keep the process alive.
    attempt?.setActive(false);
    this.settled = true;
    this.stopAll(new Error("another address answered first"));
    this.resolve(connection);
  }

  private tryOther(): void {
    if (this.tried < this.places.length) this.tryNext();
    else if (this.running.size > 0 || this.deciding.size > 0) return;
    else if (this.ending !== null) this.win(null, this.ending);
    else this.fail(this.failures.at(-1)!.error);
  }

  private begin(places: Place[]): void {
    if (this.settled) return;
    this.places = places;
    this.tryNext();
  }

  private tryNext(): void {
    this.stagger?.cancel();
    const place = this.places[this.tried++]!;
    const transport = this.tls === null ? this.address.kind : "tls";
    const peer = { address: formatAddress(this.address), transport } as const;
    const attempt = new ConnectionAttempt(place, peer, this.tls, this.owner, this);
    this.running.add(attempt);
    attempt.setActive(this.active);
    if (this.tried === this.places.length) return;
    this.stagger = new DialTimer(this.owner.clock, staggerMs, () => this.tryNext(), this.active);
  }

  private expired(timeoutMs: number): void {
    if (timeoutMs > longestTimeout) return;
    const within = `within ${timeoutMs} ms (option connectTimeoutMs)`;
    const error = (attempt: ConnectionAttempt): Error =>
      new Error(`${attempt.accepted ? "no SETTINGS of HTTP/2" : "no connection"} ${within}`);
    if (this.settled) {
      // The connection was given out early: its calls fail.
      for (const attempt of this.running) attempt.stop(error(attempt));
      return;
    }
    for (const attempt of this.running) this.failures.push({ place: attempt.place, error: error(attempt) });
    this.fail(this.failures.at(-1)?.error ?? new Error(`no answer to the lookup of the name ${within}`));
  }

  /** Ends the race without a winner, for `error` if no attempt has failed with a reason of its own. */
  private fail(error: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.stopAll(error instanceof Error ? error : new Error(String(error)));
    if (this.failures.length < 2) this.reject(error);
    else this.reject(new Error(this.reasons(), { cause: error }));
  }

  private reasons(): string {
    return this.failures
      .map(({ place, error }) => `${"path" in place ? place.path : place.host}: ${connectReason(error)}`)
      .join(", ");
  }

  private stopAll(error: Error): void {
    this.timeout.cancel();
    this.stagger?.cancel();
    for (const attempt of [...this.running, ...this.deciding]) attempt.stop(error);
    this.running.clear();
    this.deciding.clear();
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Random } from "./codec.js";

/** Names that RPC and HTTP use, some of the static table, some never to be indexed. */
const known = [
  ...["content-type", "user-agent", "accept", "accept-encoding", "cache-control", "server", "via", "vary"],
  ...["authorization", "proxy-authorization", "cookie", "set-cookie", "x-secret"],
  ...["grpc-timeout", "grpc-encoding", "grpc-status", "grpc-message", "traceparent", "etag", "x-request-id"],
  ...["tri-service-group", "tri-service-version", "x-a", "x-b", "x-tenant", "x-user"],
];

/** Names of secrets that an application registers. */
export const secrets: ReadonlySet<string> = new Set(["x-secret"]);

const token = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
const digits = "0123456789";

/** Random header lists: a few again and again, most new; names and values short, long, empty, of few bytes or of all. */
export class Lists {
  private readonly random: Random;
  private readonly valid: boolean;
  private readonly again: (readonly string[])[] = [];

  /** `valid`: only what HTTP allows, for a peer that checks. */
  constructor(random: Random, valid: boolean) {
    this.random = random;
    this.valid = valid;
    for (let i = 0; i < 12; i++) this.again.push(this.fresh());
  }

  /** A list: name, value, name, value … */
  next(): readonly string[] {
    const { random } = this;
    if (random.oneIn(3)) return random.pick(this.again);
    const list = this.fresh();
    if (random.oneIn(50)) this.again[random.int(0, this.again.length - 1)] = list;
    return list;
  }

  private fresh(): readonly string[] {
    const { random } = this;
    const count = random.oneIn(60) ? random.int(13, 60) : random.int(0, 12);
    return Array.from({ length: count }, () => [this.name(), this.value()]).flat();
  }

  private name(): string {
    const { random } = this;
    if (!random.oneIn(6)) return random.pick(known);
    const length = random.int(1, random.pick([3, 12, 40, 300]));
    if (this.valid || random.oneIn(2)) return `x-${this.text(length, token)}`;
    return random.oneIn(20) ? "" : this.bytes(length, 0);
  }

  private value(): string {
    const { random } = this;
    switch (random.int(0, 9)) {
      case 0:
        return "";
      case 1:
        return this.text(random.int(1, 9), digits);
      case 2:
        return this.text(random.int(1, 60), token);
      case 3: {
        const length = random.oneIn(20) ? random.int(1000, this.valid ? 3000 : 6000) : random.int(1, 80);
        const value = this.bytes(length, this.valid ? 32 : 0);
        // White space at the edges is what HTTP does not have.
        return this.valid ? value.trim() : value;
      }
      case 4:
        return random.pick("059aeiou~\xff".split("")).repeat(random.int(1, 200));
      default:
        return `value ${random.int(0, 3)}`.repeat(random.int(1, 3));
    }
  }

  private text(length: number, of: string): string {
    return Array.from({ length }, () => of[this.random.int(0, of.length - 1)]).join("");
  }

  private bytes(length: number, first: number): string {
    const code = () => {
      const byte = this.random.int(first, 255);
      return this.valid && byte === 127 ? 128 : byte;
    };
    return String.fromCharCode(...Array.from({ length }, code));
  }
}

/** True if a field is one that no intermediary may index (RFC 7541 §7.1.3). */
export function isSecret(name: string, value: string): boolean {
  if (name === "cookie") return value.length < 20;
  return secrets.has(name) || ["authorization", "proxy-authorization", "set-cookie"].includes(name);
}

/** Sizes of a table, from none to more than anybody gives. */
export const tableSizes: readonly number[] = [0, 31, 32, 64, 100, 300, 1000, 2000, 4096, 4096, 65_536];

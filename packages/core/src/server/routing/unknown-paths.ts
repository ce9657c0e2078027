// SPDX-License-Identifier: Apache-2.0
import { Code, type ConnectError } from "@connectrpc/connect";
import { TokenBucket } from "../../log/token-bucket.js";
import { nearestName } from "../../options/nearest-name.js";
import { peerError } from "../../protocol/peer-error.js";
import { quote } from "../../protocol/quote.js";
import { type Clock, systemClock } from "../../runtime/clock.js";

/** Searches for the nearest name, at once and in each further second: one takes up to 1 ms. */
const hintRate = { burst: 50, perSecond: 10 };
/** Answers that are kept, and the characters of their paths and texts together. */
const mostKept = 256;
const mostKeptCharacters = 65_536;
/** Names that an error lists: more would not fit into the headers that a peer takes. */
const mostListed = 20;

/**
 * The answers to requests for paths that no route has. An answer names the nearest path and the offered ones. The search for them costs
 * much more than a known path, so searches have a rate. Past the rate, an answer only names the unknown path. Clients that repeat a mistake
 * get the answer that was found before.
 */
export class UnknownPaths {
  private readonly searches: TokenBucket;
  private readonly clock: Clock;
  /** Method names by service, in the order of their registration. */
  private readonly services = new Map<string, string[]>();
  private serviceNames: readonly string[] | null = null;
  private readonly answers = new Map<string, ConnectError>();
  private characters = 0;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
    this.searches = new TokenBucket(hintRate, clock.now());
  }

  /** Answers that are kept. */
  get kept(): number {
    return this.answers.size;
  }

  /** A path is registered. */
  add(path: string): void {
    const at = path.lastIndexOf("/");
    const service = path.slice(1, at);
    const methods = this.services.get(service);
    if (methods === undefined) this.services.set(service, [path.slice(at + 1)]);
    else methods.push(path.slice(at + 1));
    this.serviceNames = null;
    this.answers.clear();
    this.characters = 0;
  }

  /** The error for a path that is not registered. */
  answer(path: string): ConnectError {
    const known = this.answers.get(path);
    if (known !== undefined) return known;
    const at = path.indexOf("/", 1);
    const service = path.startsWith("/") && at > 1 ? path.slice(1, at) : "";
    const methods = this.services.get(service);
    const asked = methods !== undefined ? path.slice(at + 1) : service === "" ? path : service;
    const what = methods !== undefined ? `method ${quote(asked)} of ${service}` : `service ${quote(asked)}`;
    if (!this.searches.take(this.clock.now())) return peerError(`unknown ${what}`, Code.Unimplemented);
    this.serviceNames ??= [...this.services.keys()];
    const names = methods ?? this.serviceNames;
    const nearest = nearestName(asked, names);
    const hint = nearest === undefined ? "" : ` did you mean ${JSON.stringify(nearest)}?`;
    const error = peerError(`unknown ${what}:${hint} ${offered(names, ", ")}`, Code.Unimplemented);
    this.keep(path, error);
    return error;
  }

  private keep(path: string, error: ConnectError): void {
    this.answers.set(path, error);
    this.characters += path.length + error.message.length;
    for (const [oldest, { message }] of this.answers) {
      if (this.answers.size <= mostKept && this.characters <= mostKeptCharacters) return;
      this.answers.delete(oldest);
      this.characters -= oldest.length + message.length;
    }
  }
}

/** The offered names, for an error. */
export function offered(names: readonly string[], separator: string): string {
  if (names.length === 0) return "nothing is offered";
  const listed = names.slice(0, mostListed).join(separator);
  const more = names.length > mostListed ? `${separator}and ${names.length - mostListed} more` : "";
  return `offered ${names.length === 1 ? "is" : "are"} ${listed}${more}`;
}

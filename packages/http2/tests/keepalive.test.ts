// SPDX-License-Identifier: Apache-2.0
// Promise 12: a dead peer is noticed. The whole of it in frames and ticks of a clock.
// Mutant: http2/src/connection/keepalive.ts # throw new Http2ConnectionError( => if (this.isServer) throw new Http2ConnectionError(
// Mutant: http2/src/connection/keepalive.ts # now - silentSince > this.intervalMs => false
// Mutant: http2/src/connection/keepalive.ts # (active || this.whenIdle) => true
// Mutant: http2/src/connection/keepalive.ts # if (this.probes < mostProbes) { => if (this.probes < 9) {
// Mutant: http2/src/connection/keepalive.ts # this.doubted = true; => this.doubted = false;
// Mutant: http2/src/connection/keepalive.ts # const stuck = this.blockedSince >= 0 && => const stuck = false &&
// Mutant: http2/src/connection/keepalive.ts # || now - this.pingedAt <= this.timeoutMs
// Mutant: http2/src/connection/keepalive.ts # this.probes = 0;
// Mutant: http2/src/connection/keepalive.ts # return "replace"; => return "none";
// Mutant: http2/src/receive/control-frames.ts # else if (!keepalive.acknowledged(b, start)) => else
import { describe, expect, it } from "@jest/globals";
import { keepalivePing } from "../src/connection/keepalive.js";
import type { Http2Options } from "../src/connection/options.js";
import { resolveHttp2Options } from "../src/connection/options.js";
import { data, headers, ping, request, response, windowUpdate } from "./frames.js";
import { type Role, Subject } from "./subject.js";

const minutes = 60_000;
const acknowledgement = ping(keepalivePing, true);

/** A connection past its SETTINGS, with a clock that ticks. */
function started(role: Role, options?: Http2Options): Subject {
  return pass(new Subject(role, options).greet(), 1000);
}

/** Lets time pass in ticks of a second. */
function pass(subject: Subject, ms: number): Subject {
  for (let left = ms; left > 0 && subject.alive; left -= 1000) {
    subject.link.clock += 1000;
    subject.connection.advance(subject.link.clock);
    subject.quiesce();
  }
  return subject;
}

/** How long it takes until the connection sends something, and what; undefined if it does not within `ms`. */
function next(subject: Subject, ms: number): [string, number] | undefined {
  for (let passed = 1000; passed <= ms; passed += 1000) {
    pass(subject, 1000);
    const [first] = subject.sent();
    if (first !== undefined) return [first, passed];
  }
  return undefined;
}

/** A client's call whose deadline passes now. */
function timedOut(subject: Subject): void {
  const stream = subject.open(request, true);
  subject.quiesce();
  stream.deadlinePassed();
  stream.reset(8);
  subject.quiesce();
  subject.sent();
}

describe("the defaults", () => {
  it("are just above 5 minutes for a client, 2 minutes for a server, 10 s for the answer, and not when idle", () => {
    const of = (role: Role) => {
      const { keepaliveMs, keepaliveTimeoutMs, keepaliveWhenIdle } = resolveHttp2Options({}, role);
      return [keepaliveMs, keepaliveTimeoutMs, keepaliveWhenIdle];
    };
    expect(of("client")).toEqual([310_000, 10_000, false]);
    expect(of("server")).toEqual([120_000, 10_000, false]);
  });
});

describe.each(["client", "server"] as const)("a %s in silence", (role) => {
  const interval = role === "client" ? 310_000 : 120_000;

  /** A connection with a stream open. */
  const withStream = (options?: Http2Options): Subject => {
    const subject = started(role, options);
    if (role === "client") subject.open(request, true);
    else subject.receive(headers(1, request, { end: true }));
    subject.receive(windowUpdate(0, 1));
    pass(subject, 1000);
    subject.sent();
    subject.log.length = 0;
    return subject;
  };

  it("asks when its interval has passed with a stream open, and goes on when it is answered", () => {
    const subject = withStream();
    expect(next(subject, interval)).toBeUndefined();
    expect(next(subject, 2000)?.[0]).toBe("PING");
    subject.receive(acknowledgement);
    expect(next(subject, interval)).toBeUndefined();
    expect(next(subject, 2000)?.[0]).toBe("PING");
    expect(subject.connection.counters.emptyFrames).toBe(0);
  });

  it("loses the connection when nothing is received for 10 s after that, and says why", () => {
    const subject = withStream();
    pass(subject, interval + 1000);
    expect(subject.sent()).toEqual(["PING"]);
    pass(subject, 10_000);
    expect([subject.alive, subject.connection.usable]).toEqual([true, true]);
    pass(subject, 1000);
    expect(subject.connection.usable).toBe(false);
    expect(subject.sent()).toEqual(["GOAWAY NO_ERROR"]);
    expect(subject.log[0]).toBe("1 reset CANCEL connection maybe-processed");
  });

  it("takes anything that is received for an answer", () => {
    const subject = withStream();
    pass(subject, interval + 1000);
    subject.receive(windowUpdate(0, 1));
    pass(subject, 20_000);
    expect(subject.alive).toBe(true);
  });

  it("does not ask without streams, unless it is told to", () => {
    expect(next(started(role), 4 * interval)).toBeUndefined();
    const asked = next(started(role, { keepaliveWhenIdle: true }), 4 * interval);
    expect(asked?.[0]).toBe("PING");
  });

  it("does not ask with keepaliveMs: 0", () => {
    expect(next(withStream({ keepaliveMs: 0 }), 4 * interval)).toBeUndefined();
  });

  it("keeps its own interval and time", () => {
    const subject = withStream({ keepaliveMs: 5000, keepaliveTimeoutMs: 2000 });
    expect(next(subject, 20_000)).toEqual(["PING", 6000]);
    pass(subject, 3000);
    expect(subject.connection.usable).toBe(false);
  });

  it("is not silent while frames arrive", () => {
    const subject = withStream({ keepaliveMs: 5000 });
    for (let i = 0; i < 10; i++) {
      subject.receive(windowUpdate(0, 1));
      expect(next(subject, 4000)).toBeUndefined();
    }
  });
});

describe("a client in doubt", () => {
  it("asks when a deadline passes and nothing was received since the call began", () => {
    const subject = started("client");
    timedOut(subject);
    expect(next(subject, 5000)).toEqual(["PING", 1000]);
    pass(subject, 11_000);
    expect(subject.connection.usable).toBe(false);
  });

  it("asks when a deadline passes a second after the last thing that was received", () => {
    const subject = started("client");
    const stream = subject.open();
    subject.receive(headers(1, response), data(1, 5));
    pass(subject, 2000);
    subject.sent();
    stream.deadlinePassed();
    expect(next(subject, 5000)).toEqual(["PING", 1000]);
  });

  it("does not ask when something came just before the deadline, or after it", () => {
    const subject = started("client");
    const stream = subject.open();
    subject.receive(headers(1, response));
    subject.sent();
    stream.deadlinePassed();
    expect(next(subject, 5000)).toBeUndefined();
    timedOut(subject);
    subject.receive(data(1, 5));
    expect(next(subject, 5000)).toBeUndefined();
  });

  it("asks when bytes have waited for the link for 10 s", () => {
    const subject = started("client");
    subject.link.fast = false;
    subject.open(request, true);
    subject.quiesce();
    expect(subject.link.pending).toBeGreaterThan(0);
    expect(next(subject, 20_000)).toBeDefined();
  });

  it("asks when a send has waited for a window for 10 s, twice at most while the peer only answers", () => {
    const subject = started("client");
    const stream = subject.open();
    stream.write(new Uint8Array(200_000), false);
    subject.quiesce();
    subject.sent();
    const asked: string[] = [];
    for (let second = 0; second < 240; second++) {
      pass(subject, 1000);
      const sent = subject.sent();
      asked.push(...sent);
      if (sent.includes("PING")) subject.receive(acknowledgement);
    }
    expect(asked).toEqual(["PING", "PING"]);
    expect(subject.alive).toBe(true);
  });

  it("asks twice between frames of calls, then says that new calls belong elsewhere", () => {
    const subject = started("client");
    const doubts = (): number => subject.log.filter((line) => line === "doubted").length;
    const rounds = (n: number): string[] => {
      const sent: string[] = [];
      for (let i = 0; i < n; i++) {
        timedOut(subject);
        pass(subject, 1000);
        const frames = subject.sent();
        if (frames.includes("PING")) subject.receive(acknowledgement);
        sent.push(...frames);
        pass(subject, 11_000);
      }
      return sent;
    };
    expect(rounds(2)).toEqual(["PING", "PING"]);
    expect(doubts()).toBe(0);
    expect(rounds(1)).toEqual([]);
    expect(doubts()).toBe(1);
    // A frame of a call sets the server's count back, and so ours.
    subject.open();
    subject.receive(headers(7, response));
    pass(subject, 1000);
    subject.sent();
    expect(rounds(2)).toEqual(["PING", "PING"]);
  });

  it("does not ask again within 10 s of an answer, however many deadlines pass", () => {
    const subject = started("client");
    timedOut(subject);
    pass(subject, 1000);
    expect(subject.sent()).toEqual(["PING"]);
    subject.receive(acknowledgement);
    pass(subject, 1000);
    const sent: string[] = [];
    for (let i = 0; i < 8; i++) {
      timedOut(subject);
      pass(subject, 1000);
      sent.push(...subject.sent());
    }
    expect(sent).toEqual([]);
  });
});

describe("a server", () => {
  it("never asks on doubt", () => {
    const subject = started("server");
    subject.receive(headers(1, request));
    subject.stream(1).sendHeaders(response, false);
    subject.stream(1).write(new Uint8Array(200_000), false);
    subject.quiesce();
    subject.sent();
    expect(next(subject, 1 * minutes)).toBeUndefined();
  });
});

/** How grpc-go counts a client's PINGs (internal/transport/http2_server.go, handlePing), with the defaults of its servers. */
class Enforcement {
  private strikes = 0;
  private last = Number.NEGATIVE_INFINITY;
  private cleared = false;

  /** The server has sent HEADERS or DATA. */
  sent(): void {
    this.cleared = true;
  }

  /** A PING at a time, with so many streams open; true when the server ends the connection. */
  ping(now: number, streams: number): boolean {
    const since = now - this.last;
    this.last = now;
    if (this.cleared) {
      this.cleared = false;
      this.strikes = 0;
      return false;
    }
    if (since < (streams < 1 ? 120 * minutes : 5 * minutes)) this.strikes++;
    return this.strikes > 2;
  }
}

it("a client's PINGs are never too many for grpc-go's defaults, whatever its calls do", () => {
  let state = 1;
  const random = (n: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % n;
  };
  for (let run = 0; run < 40; run++) {
    const subject = started("client");
    const server = new Enforcement();
    let pings = 0;
    for (let step = 0; step < 400 && subject.connection.usable; step++) {
      const kind = random(20);
      if (kind === 0) timedOut(subject);
      else if (kind === 1) subject.open(request, true);
      else if (kind === 2) for (const stream of subject.streams.values()) stream.reset(8);
      else if (kind === 3 && random(8) === 0) {
        const stream = subject.open(request, true);
        subject.receive(headers(stream.id, response, { end: true }));
        server.sent();
      } else if (kind === 4) subject.open().write(new Uint8Array(100_000), false);
      subject.quiesce();
      subject.sent();
      for (let seconds = random(40); seconds >= 0; seconds--) {
        pass(subject, 1000);
        if (!subject.sent().includes("PING")) continue;
        pings++;
        expect(server.ping(subject.link.clock, subject.connection.activeStreams)).toBe(false);
        subject.receive(acknowledgement);
      }
    }
    expect(pings).toBeGreaterThan(0);
  }
});

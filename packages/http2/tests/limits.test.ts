// SPDX-License-Identifier: Apache-2.0
// Promise 8: bounded memory. What a peer may make this side do for nothing, kind by kind.
// Mutant: http2/src/guards/limits.ts # if (this.emptyDataPaidFor < Math.floor(received / bytesPerEmptyData)) { => if (false as boolean) {
// Mutant: http2/src/guards/limits.ts # || ends !== this.endsAtPingBefore
// Mutant: http2/src/guards/limits.ts # Math.floor(sent / bytesPerUpdate) + updatesPerFrame * frames => Math.floor(sent / bytesPerUpdate)
// Mutant: http2/src/streams/scheduler.ts # if (n < queue.length && (n === side.window || n === sendWindow.left)) output.cutFrames++;
import { describe, expect, it } from "@jest/globals";
import { ErrorCode, Http2ConnectionError } from "../src/connection/error-code.js";
import type { Http2Options } from "../src/connection/options.js";
import { clientPreface, FrameType } from "../src/frame/frame-type.js";
import type { Stream } from "../src/streams/stream.js";
import {
  block,
  continuation,
  data,
  frame,
  headers,
  join,
  ping,
  priority,
  request,
  response,
  rst,
  settings,
  settingsAck,
  windowUpdate,
} from "./frames.js";
import { Subject, windowsOf } from "./subject.js";

/** A rate small enough to try: three at once, one more each second. */
const three = { burst: 3, perSecond: 1 };

/** How the connection ended: code and option, or null while it goes on. */
function endOf(subject: Subject): { code: number; limit: string | undefined } | null {
  const { failure } = subject.connection.state;
  if (failure === undefined) return null;
  expect(failure).toBeInstanceOf(Http2ConnectionError);
  const { code, limit } = failure as Http2ConnectionError;
  expect(failure.message).toContain(limit === undefined ? "" : `option http2.${limit}`);
  return { code, limit };
}

const calm = (limit: string) => ({ code: ErrorCode.ENHANCE_YOUR_CALM, limit });

/** The n-th odd id. */
const id = (n: number): number => 2 * n + 1;

interface Flood {
  readonly option: keyof Http2Options;
  readonly counter: string;
  readonly what: string;
  /** The n-th of what is limited. */
  readonly one: (n: number) => Uint8Array[];
}

const floods: readonly Flood[] = [
  {
    option: "resetRate",
    counter: "resetsReceived",
    what: "streams opened and reset at once",
    one: (n) => [headers(id(n), request), rst(id(n), ErrorCode.CANCEL)],
  },
  {
    option: "resetRate",
    counter: "resetsProvoked",
    what: "requests that have to be reset",
    one: (n) => [headers(id(n), [...request, "Upper", "x"], { end: true })],
  },
  {
    option: "emptyFrameRate",
    counter: "emptyFrames",
    what: "empty DATA",
    one: (n) => (n === 0 ? [headers(1, request), data(1, 0)] : [data(1, 0)]),
  },
  {
    option: "emptyFrameRate",
    counter: "emptyFrames",
    what: "DATA of padding alone",
    one: (n) => [...(n === 0 ? [headers(1, request)] : []), data(1, 0, { pad: n })],
  },
  { option: "emptyFrameRate", counter: "emptyFrames", what: "PRIORITY", one: () => [priority(1, 3)] },
  {
    option: "emptyFrameRate",
    counter: "emptyFrames",
    what: "frames of unknown types",
    one: () => [frame(0x42, 0, 0)],
  },
  {
    option: "emptyFrameRate",
    counter: "emptyFrames",
    what: "acknowledgements of no PING",
    one: () => [ping("12345678", true)],
  },
  { option: "settingsRate", counter: "settings", what: "SETTINGS", one: () => [settings()] },
  { option: "pingRate", counter: "pings", what: "PING", one: () => [ping("12345678")] },
  {
    option: "windowUpdateRate",
    counter: "windowUpdates",
    what: "WINDOW_UPDATE",
    one: () => [windowUpdate(0, 1)],
  },
];

describe.each(floods)("$what", ({ option, counter, what, one }) => {
  const begin = (): Subject => {
    const subject = new Subject("server", { [option]: three }).greet();
    // The first SETTINGS is one of them.
    if (option === "settingsRate") subject.link.clock += 1000;
    return subject;
  };
  // The first PING follows the first SETTINGS, so it is free; a header block pays for one empty DATA frame.
  const allowed = option === "pingRate" || what.includes("DATA") ? 4 : 3;

  it(`may come as often as ${option} says, and then ends the connection`, () => {
    const subject = begin();
    for (let n = 0; n < allowed; n++) subject.receive(...one(n));
    expect(endOf(subject)).toBeNull();
    subject.receive(...one(allowed));
    expect(endOf(subject)).toEqual(calm(option));
    expect(subject.sent().at(-1)).toMatch(/^GOAWAY ENHANCE_YOUR_CALM/);
    const counted = subject.connection.counters[counter as keyof typeof subject.connection.counters];
    expect(counted).toBe(allowed + 1 + (option === "settingsRate" ? 1 : 0));
  });

  it("may go on at the rate", () => {
    const subject = begin();
    for (let n = 0; n < 30; n++) {
      subject.receive(...one(n));
      subject.link.clock += 1000;
    }
    expect(endOf(subject)).toBeNull();
  });
});

describe("an honest peer", () => {
  it("may reset a stream after its answer has begun", () => {
    const subject = new Subject("server", { resetRate: three }).greet();
    for (let n = 0; n < 50; n++) {
      subject.receive(headers(id(n), request));
      subject.stream(id(n)).sendHeaders(response, false);
      subject.receive(rst(id(n), ErrorCode.CANCEL));
    }
    expect(endOf(subject)).toBeNull();
    expect(subject.connection.counters.resetsReceived).toBe(0);
  });

  it("may send PINGs as long as something is sent between them", () => {
    const subject = new Subject("server", { pingRate: three }).greet();
    subject.receive(headers(1, request));
    subject.stream(1).sendHeaders(response, false);
    for (let n = 0; n < 50; n++) {
      subject.receive(ping("12345678"));
      subject.stream(1).write(new Uint8Array(10), false);
    }
    expect(endOf(subject)).toBeNull();
  });

  it("may send two PINGs for each end of an upload", () => {
    const subject = new Subject("client", { pingRate: three }).greet();
    for (let n = 0; n < 50; n++) {
      const [first, second] = [subject.open(), subject.open()];
      subject.quiesce();
      // The server asks behind the first end, and when it is answered behind the second one, which arrived meanwhile.
      first.sendEnd();
      second.sendEnd();
      subject.receive(ping("12345678"), ping("12345678"));
      subject.receive(
        headers(first.id, response, { end: true }),
        headers(second.id, response, { end: true }),
      );
    }
    expect(endOf(subject)).toBeNull();
    for (let n = 0; n < 5; n++) subject.receive(ping("12345678"));
    expect(endOf(subject)).toEqual(calm("pingRate"));
  });

  it("may send a WINDOW_UPDATE for each KiB that was sent", () => {
    const subject = new Subject("server", { windowUpdateRate: three }).greet();
    subject.receive(headers(1, request));
    subject.stream(1).sendHeaders(response, false);
    for (let n = 0; n < 500; n++) {
      subject.stream(1).write(new Uint8Array(2048), false);
      subject.receive(windowUpdate(0, 2048), windowUpdate(1, 2048));
    }
    expect(endOf(subject)).toBeNull();
  });

  it("may send a WINDOW_UPDATE of the stream and of the connection for each DATA frame, as HAProxy credits small messages", () => {
    const subject = new Subject("server", { windowUpdateRate: three }).greet();
    subject.receive(headers(1, request));
    subject.stream(1).sendHeaders(response, false);
    for (let n = 0; n < 500; n++) {
      subject.stream(1).write(new Uint8Array(16), false);
      subject.quiesce();
      subject.receive(windowUpdate(0, 16), windowUpdate(1, 16));
    }
    // The frames of the 7 KiB, and of the bucket.
    for (let n = 0; n < 10; n++) subject.receive(windowUpdate(0, 16));
    expect(endOf(subject)).toBeNull();
    subject.receive(windowUpdate(0, 16));
    expect(endOf(subject)).toEqual(calm("windowUpdateRate"));
  });

  it("may send a frame of padding alone for each stream, and for each KiB of DATA", () => {
    const subject = new Subject("server", { emptyFrameRate: three }).greet();
    // node:http2 with a paddingStrategy puts such a frame in front of trailers.
    for (let n = 0; n < 50; n++) {
      subject.receive(headers(id(n), request), data(id(n), 0, { pad: 7 }), data(id(n), 0, { end: true }));
    }
    subject.receive(headers(id(50), request));
    for (let n = 0; n < 20; n++) subject.receive(data(id(50), 1024), data(id(50), 0, { pad: 7 }));
    expect(endOf(subject)).toBeNull();
    expect(subject.connection.counters.emptyFrames).toBe(70);
  });

  it("may end a body with an empty frame", () => {
    const subject = new Subject("server", { emptyFrameRate: three }).greet();
    for (let n = 0; n < 50; n++) subject.receive(headers(id(n), request), data(id(n), 0, { end: true }));
    expect(endOf(subject)).toBeNull();
  });
});

describe("a window that opens byte by byte", () => {
  it("ends the connection, since frames that the window cuts short pay for nothing", () => {
    const subject = new Subject("server", { windowUpdateRate: three }).greet(4, 0);
    subject.receive(headers(1, request));
    subject.stream(1).sendHeaders(response, false);
    subject.stream(1).write(new Uint8Array(1000), false);
    for (let n = 0; n < 3; n++) {
      subject.receive(windowUpdate(1, 1));
      subject.quiesce();
    }
    expect(endOf(subject)).toBeNull();
    subject.receive(windowUpdate(1, 1));
    expect(endOf(subject)).toEqual(calm("windowUpdateRate"));
  });
});

describe("header blocks", () => {
  it("come in at most maxContinuations CONTINUATION frames", () => {
    const subject = new Subject("server", { maxContinuations: 2, maxHeaderListSize: 1000 }).greet();
    const part = block(request);
    subject.receive(headers(1, part, { endHeaders: false }), continuation(1, block(["a", "b"]), false));
    subject.receive(continuation(1, block(["c", "d"]), false));
    expect(endOf(subject)).toBeNull();
    expect(subject.connection.counters.continuations).toBe(2);
    subject.receive(continuation(1, block(["e", "f"])));
    expect(endOf(subject)).toEqual(calm("maxContinuations"));
  });

  it("are no larger than four times maxHeaderListSize, by their frames' headers alone", () => {
    const subject = new Subject("server", { maxHeaderListSize: 1000 }).greet();
    subject.receive(frame(FrameType.HEADERS, 4, 1, new Uint8Array(0), 4001));
    expect(endOf(subject)).toEqual(calm("maxHeaderListSize"));
  });
});

describe("streams that are closed and still served", () => {
  const sawRequests = (subject: Subject): string[] => subject.log.filter((line) => line.includes("request"));

  /** A server with room for two streams, and both are closed and still served. */
  const served = (options?: Http2Options): Subject => {
    const subject = new Subject("server", { maxConcurrentStreams: 2, ...options }).greet();
    subject.receive(headers(1, request), headers(3, request));
    for (const open of [1, 3]) subject.stream(open).hold();
    subject.receive(rst(1, ErrorCode.CANCEL), rst(3, ErrorCode.CANCEL));
    return subject;
  };

  it("count against maxConcurrentStreams until they are released", () => {
    const subject = served();
    subject.receive(headers(5, request));
    subject.quiesce();
    expect(subject.sent()).toEqual(["RST_STREAM 5 REFUSED_STREAM"]);
    subject.stream(1).release();
    subject.stream(1).release();
    subject.receive(headers(7, request), headers(9, request));
    subject.quiesce();
    expect(subject.sent()).toEqual(["RST_STREAM 9 REFUSED_STREAM"]);
    expect(sawRequests(subject)).toEqual(["1 request /s/m", "3 request /s/m", "7 request /s/m"]);
    expect(subject.connection.counters.resetsProvoked).toBe(2);
  });

  it("may be released until the turn is over: then the next ones start, in order, with all that has come", () => {
    const subject = served();
    const feed = (...frames: Uint8Array[]): void => subject.connection.receive(join(...frames));
    feed(headers(5, request), data(5, 3), headers(7, request), data(7, 7, { end: true }), data(5, 2));
    feed(headers(9, request));
    expect(sawRequests(subject)).toHaveLength(2);
    subject.stream(3).release();
    expect(subject.log.slice(-2)).toEqual(["5 request /s/m", "5 data 5"]);
    feed(data(5, 1, { end: true }));
    subject.stream(1).release();
    expect(subject.log.slice(-4)).toEqual(["5 end", "7 request /s/m", "7 data 7", "7 end"]);
    subject.quiesce();
    expect(subject.sent()).toContain("RST_STREAM 9 REFUSED_STREAM");
    expect(subject.peerWindows.get(0)).toBe(subject.connection.options.connectionWindow);
  });

  it("make room for nothing that was reset while it waited", () => {
    const subject = served();
    const feed = (...frames: Uint8Array[]): void => subject.connection.receive(join(...frames));
    feed(headers(5, request), data(5, 3), rst(5, ErrorCode.CANCEL), headers(7, request));
    subject.stream(1).release();
    subject.quiesce();
    expect(sawRequests(subject).at(-1)).toBe("7 request /s/m");
    expect(sawRequests(subject)).toHaveLength(3);
    expect(subject.connection.activeStreams).toBe(1);
    expect(subject.connection.flow.held).toBe(0);
  });

  /** Has `react` run in the middle of each start of a stream. */
  const onRequest = (subject: Subject, react: (stream: Stream) => void): void => {
    const push = subject.log.push.bind(subject.log);
    subject.log.push = (line) => {
      const [, opened] = /^(\d+) request/.exec(line) ?? [];
      if (opened !== undefined) react(subject.stream(Number(opened)));
      return push(line);
    };
  };

  it("may be followed by one that is answered before its end is told, and hears of it", () => {
    const subject = served();
    subject.connection.receive(join(headers(5, request), data(5, 3, { end: true })));
    onRequest(subject, (stream) => stream.sendHeaders(response, true));
    subject.stream(1).release();
    expect(subject.log.slice(-3)).toEqual(["5 request /s/m", "5 data 3", "5 end"]);
    expect(subject.connection.activeStreams).toBe(0);
    expect(subject.connection.flow.held).toBe(0);
  });

  it("may be followed by thousands that are answered at once", () => {
    const many = 5000;
    const subject = new Subject("server", {
      maxConcurrentStreams: many,
      maxStreamsPerTurn: 2 * many,
      maxBytesPerTurn: 2 ** 30,
      resetRate: { burst: many, perSecond: 0 },
    });
    subject.greet();
    const ids = Array.from({ length: many }, (_, n) => id(n));
    subject.receive(...ids.map((n) => headers(n, request)));
    for (const n of ids) subject.stream(n).hold();
    subject.connection.receive(join(...ids.map((n) => rst(n, ErrorCode.CANCEL))));
    subject.connection.receive(join(...ids.map((n) => headers(2 * many + n, request, { end: true }))));
    onRequest(subject, (stream) => stream.sendHeaders(response, true));
    subject.stream(1).release();
    expect(sawRequests(subject)).toHaveLength(2 * many);
    expect(subject.connection.activeStreams).toBe(0);
  });

  it("may be followed by one whose start fails: the connection ends, not whoever made room", () => {
    const subject = served();
    subject.connection.receive(headers(5, request));
    onRequest(subject, () => {
      throw new Error("no start");
    });
    subject.stream(1).release();
    expect(subject.sent().at(-1)).toMatch(/^GOAWAY .*INTERNAL_ERROR/);
  });

  it("may be followed by one that takes a large message: what has come of it is not let in again", () => {
    const subject = served();
    subject.crediting = false;
    const length = 60_000;
    subject.connection.receive(join(headers(5, request), data(5, 16_000), data(5, 16_000), data(5, 16_000)));
    onRequest(subject, (stream) => stream.messageNeeds(length));
    subject.frames();
    subject.stream(1).release();
    subject.receive(data(5, 12_000, { end: true }));
    expect(subject.log.slice(-2)).toEqual([`5 data ${length}`, "5 end"]);
    expect(subject.sent().filter((line) => line.startsWith("WINDOW_UPDATE 5"))).toEqual([]);
    expect(windowsOf(subject.stream(5)).admitted).toBe(0);
  });

  it("leave no room for more open streams than the limit, however long those wait", () => {
    const subject = served();
    subject.connection.receive(join(headers(5, request), headers(7, request), headers(9, request)));
    subject.link.endTurn();
    expect(subject.sent()).toEqual(["RST_STREAM 9 REFUSED_STREAM"]);
    subject.quiesce();
    expect(subject.sent()).toEqual(["RST_STREAM 5 REFUSED_STREAM", "RST_STREAM 7 REFUSED_STREAM"]);
  });

  it("count what is refused after the turn against resetRate", () => {
    const subject = served({ resetRate: { burst: 3, perSecond: 0 } });
    subject.receive(headers(5, request), headers(7, request));
    expect(endOf(subject)).toEqual(calm("resetRate"));
    expect(subject.connection.activeStreams).toBe(0);
  });

  it("free their place once when they end and are released", () => {
    const subject = new Subject("server", { maxConcurrentStreams: 1 }).greet();
    for (let n = 0; n < 20; n++) {
      subject.receive(headers(id(n), request, { end: true }));
      const stream = subject.stream(id(n));
      stream.hold();
      if (n % 2 === 0) stream.release();
      stream.sendHeaders(response, true);
      if (n % 2 === 1) stream.release();
      subject.quiesce();
      expect(subject.frames().map((f) => f.type)).toEqual([FrameType.HEADERS]);
    }
  });
});

describe("times", () => {
  const late = (subject: Subject, ms: number): void => {
    subject.link.clock += ms;
    subject.connection.advance(subject.link.clock);
    subject.quiesce();
  };

  it("frameTimeoutMs ends a connection whose peer stops inside a frame", () => {
    const subject = new Subject("server", { frameTimeoutMs: 5000 }).greet();
    subject.receive(ping("12345678").subarray(0, 12));
    late(subject, 1000);
    late(subject, 4000);
    expect(endOf(subject)).toBeNull();
    late(subject, 1001);
    expect(endOf(subject)).toEqual(calm("frameTimeoutMs"));
  });

  it("frameTimeoutMs holds for bytes that come one by one, and for a header block without end", () => {
    const slow = new Subject("server", { frameTimeoutMs: 5000 }).greet();
    const bytes = frame(0x42, 0, 0, new Uint8Array(100));
    for (let i = 0; i < 8 && endOf(slow) === null; i++) {
      slow.receive(bytes.subarray(i, i + 1));
      late(slow, 1000);
    }
    expect(endOf(slow)).toEqual(calm("frameTimeoutMs"));

    const open = new Subject("server", { frameTimeoutMs: 5000 }).greet();
    open.receive(headers(1, block(request), { endHeaders: false }));
    late(open, 1000);
    late(open, 5001);
    expect(endOf(open)).toEqual(calm("frameTimeoutMs"));
  });

  it("frameTimeoutMs leaves a large message alone that goes on", () => {
    const subject = new Subject("server", { frameTimeoutMs: 5000 }).greet();
    subject.receive(headers(1, request), data(1, 16_384).subarray(0, 100));
    for (let i = 100; i < 16_384; i += 1000) {
      subject.receive(new Uint8Array(Math.min(1000, 16_393 - i)));
      late(subject, 4000);
    }
    expect(endOf(subject)).toBeNull();
  });

  it("writeTimeoutMs ends a connection whose peer takes nothing", () => {
    const subject = new Subject("server", { writeTimeoutMs: 5000 }).greet();
    subject.link.fast = false;
    subject.receive(ping("12345678"));
    late(subject, 1000);
    late(subject, 4000);
    subject.link.pending -= 1;
    late(subject, 4000);
    expect(endOf(subject)).toBeNull();
    // As much as before waits again, but it is other bytes.
    const before = subject.link.pending;
    subject.link.pending -= 8 + 9;
    subject.receive(ping("12345678"));
    expect(subject.link.pending).toBe(before);
    late(subject, 4000);
    late(subject, 4000);
    expect(endOf(subject)).toBeNull();
    late(subject, 1001);
    expect(endOf(subject)).toEqual(calm("writeTimeoutMs"));
  });

  it("maxUnreadOutput stops a server from reading until the peer has read", () => {
    const subject = new Subject("server", { maxUnreadOutput: 65_536 }).greet(4, 2 ** 31 - 1);
    subject.receive(windowUpdate(0, 2 ** 30));
    subject.receive(headers(1, request));
    subject.link.fast = false;
    const stream = subject.stream(1);
    stream.sendHeaders(response, false);
    for (let i = 0; i < 4; i++) stream.write(new Uint8Array(50_000), false);
    subject.quiesce();
    expect(subject.link.paused).toBe(true);
    expect(subject.connection.unreadOutput).toBeGreaterThan(65_536);
    subject.link.drain();
    expect(subject.link.paused).toBe(false);
  });

  it("a client reads on whatever its peer does, or both would wait for each other", () => {
    const subject = new Subject("client", { maxUnreadOutput: 65_536 }).greet(4, 2 ** 31 - 1);
    subject.receive(windowUpdate(0, 2 ** 30));
    subject.link.fast = false;
    const stream = subject.open();
    for (let i = 0; i < 4; i++) stream.write(new Uint8Array(50_000), false);
    subject.quiesce();
    expect(subject.link.paused).toBe(false);
  });

  it("firstRequestTimeoutMs and idleTimeoutMs are off unless they are set", () => {
    const subject = new Subject("server").greet();
    late(subject, 1e9);
    expect(endOf(subject)).toBeNull();
    expect(subject.alive).toBe(true);
  });

  it("firstRequestTimeoutMs ends a connection that nobody uses", () => {
    const subject = new Subject("server", { firstRequestTimeoutMs: 5000 }).greet();
    late(subject, 5001);
    expect(endOf(subject)).toEqual(calm("firstRequestTimeoutMs"));
    const used = new Subject("server", { firstRequestTimeoutMs: 5000 }).greet();
    used.receive(headers(1, request, { end: true }));
    used.stream(1).sendHeaders(response, true);
    late(used, 5001);
    expect(endOf(used)).toBeNull();
  });

  it("idleTimeoutMs ends in order what has had no streams for so long", () => {
    const subject = new Subject("server", { idleTimeoutMs: 5000 }).greet();
    late(subject, 4000);
    subject.receive(headers(1, request));
    late(subject, 60_000);
    expect(subject.sent()).toEqual([]);
    subject.stream(1).sendHeaders(response, true);
    subject.receive(data(1, 0, { end: true }));
    subject.frames();
    late(subject, 4000);
    expect(subject.sent()).toEqual([]);
    late(subject, 1001);
    expect(subject.sent()).toEqual(["GOAWAY NO_ERROR", "PING"]);
  });
});

describe("stream ids that run out", () => {
  const setNextId = (subject: Subject, next: number): void => {
    (subject.connection.streams.registry as unknown as { nextId: number }).nextId = next;
  };

  it("make a client go elsewhere while its streams end", () => {
    const subject = new Subject("client").greet();
    const last = 0.75 * 2 ** 31;
    setNextId(subject, last - 3);
    const before = subject.open();
    expect([before.id, subject.connection.usable]).toEqual([last - 3, true]);
    const at = subject.open();
    expect([at.id, subject.connection.usable]).toEqual([last - 1, false]);
    subject.quiesce();
    expect(subject.sent().at(-1)).toMatch(/^GOAWAY NO_ERROR/);
    subject.receive(headers(before.id, response, { end: true }), headers(at.id, response, { end: true }));
    expect(subject.log).toEqual([`${before.id} headers END 200`, `${at.id} headers END 200`]);
  });

  it("make a server say GOAWAY", () => {
    const subject = new Subject("server").greet();
    subject.receive(headers(2 ** 31 - 1025, request));
    expect(subject.sent()).toEqual([]);
    subject.receive(headers(2 ** 31 - 513, request));
    expect(subject.sent()[0]).toBe("GOAWAY NO_ERROR");
  });
});

describe("bytes that are not HTTP/2", () => {
  const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
  const tls = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3);

  it.each([
    ["server", "TLS", tls, "speaks TLS"],
    ["server", "HTTP/1.1", bytes("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), "speaks HTTP/1.1"],
    ["server", "HTTP/1.1 that begins like the preface", bytes("POST / HTTP/1.1\r\n\r\n"), "speaks HTTP/1.1"],
    ["client", "TLS", tls, "speaks TLS"],
    ["client", "HTTP/1.1", bytes("HTTP/1.1 400 Bad Request\r\n\r\n"), "answers with HTTP/1.1"],
    [
      "client",
      "SSH",
      bytes("SSH-2.0-OpenSSH_9.6\r\n"),
      'answers with "SSH-" …, which is not HTTP/2: is it the right port?',
    ],
    [
      "client",
      "Redis",
      bytes("+OK redis\r\n"),
      'answers with "+OK " …, which is not HTTP/2: is it the right port?',
    ],
  ] as const)("a %s tells %s by its first bytes, whole and byte by byte", (role, _, bytes, text) => {
    for (const size of [1, bytes.length]) {
      const subject = new Subject(role);
      for (let at = 0; at < bytes.length; at += size) subject.receive(bytes.subarray(at, at + size));
      const { failure } = subject.connection.state;
      expect(failure?.message).toContain(text);
    }
  });

  it("a client tells a TLS alert that ends the connection", () => {
    const subject = new Subject("client");
    subject.open();
    subject.receive(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70));
    subject.close();
    const { failure } = subject.connection.state;
    expect(failure?.message).toContain("speaks TLS");
  });

  it("a client says what to look at when the peer closes without a word", () => {
    const subject = new Subject("client");
    subject.open();
    subject.close();
    const { failure } = subject.connection.state;
    expect(failure?.message).toContain("does it speak HTTP/2, does it want TLS");
  });

  it("a server is not told of a peer that comes and goes", () => {
    const subject = new Subject("server");
    subject.receive(clientPreface, settings(), settingsAck);
    subject.close();
    expect(subject.log).toEqual(["closed"]);
  });
});

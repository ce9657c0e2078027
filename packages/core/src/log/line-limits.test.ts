// SPDX-License-Identifier: Apache-2.0
// Mutant: core/src/log/line-limits.ts # else if (this.buckets.size >= mostBuckets && !this.dropOldest(now)) return of.others;
// Mutant: core/src/log/line-limits.ts # bucket.take(now) && of.bucket.take(now) => bucket.take(now)
// Mutant: core/src/log/line-limits.ts # if (bucket.omitted > 0 || !bucket.full(now)) return false;
// Mutant: core/src/log/line-limits.ts # slice(0, 4) => slice(0, 8)
// Mutant: core/src/log/line-limits.ts # this.omitting.delete(bucket);
import { type LeftOut, LineLimits, peerName } from "./line-limits.js";

function start() {
  let time = 0;
  const timers = new Set<{ due: number; callback: () => void }>();
  const reports: LeftOut[] = [];
  const clock = {
    now: () => time,
    after(ms: number, callback: () => void) {
      const timer = { due: time + ms, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const limits = new LineLimits<string>(clock, (_level, left) => reports.push(left));
  const admitted = (count: number, kind: string, peer: string): number => {
    let n = 0;
    for (let i = 0; i < count; i++) if (limits.admit("warn", kind, peer)) n++;
    return n;
  };
  const advance = (ms: number): void => {
    time += ms;
    for (const timer of timers) {
      if (timer.due > time) continue;
      timers.delete(timer);
      timer.callback();
    }
  };
  return { limits, reports, admitted, advance, timers };
}

test("a kind and peer has 20 lines at once, and one more each second", () => {
  const { admitted, advance } = start();
  expect(admitted(100, "a", "h:1")).toBe(20);
  advance(1000);
  expect(admitted(100, "a", "h:1")).toBe(1);
  advance(5000);
  expect(admitted(100, "a", "h:1")).toBe(5);
  advance(3_600_000);
  expect(admitted(100, "a", "h:1")).toBe(20);
});

test("a peer that connects anew for each line has one bucket, and another peer and kind its own", () => {
  const { admitted } = start();
  let n = 0;
  for (let port = 1; port <= 100; port++) n += admitted(1, "a", `10.0.0.1:${port}`);
  expect(n).toBe(20);
  expect(admitted(100, "a", "10.0.0.2:1")).toBe(20);
  expect(admitted(100, "b", "10.0.0.1:1")).toBe(20);
});

test("lines that were left out are reported before the next one, and after 10 s without one", () => {
  const { admitted, advance, reports, timers } = start();
  admitted(25, "a", "h:1");
  expect(reports).toEqual([]);
  advance(1000);
  admitted(1, "a", "h:1");
  expect(reports).toEqual([{ kind: "a", lines: 5, peers: "h" }]);
  admitted(7, "a", "h:1");
  advance(9000);
  expect(reports.slice(1)).toEqual([{ kind: "a", lines: 7, peers: "h" }]);
  advance(60_000);
  expect(reports).toHaveLength(2);
  expect(timers.size).toBe(0);
});

test("lines that were reported before the next one are not reported again", () => {
  const { admitted, advance, reports } = start();
  admitted(25, "a", "h:1");
  advance(1000);
  admitted(1, "a", "h:1");
  advance(60_000);
  expect(reports).toEqual([{ kind: "a", lines: 5, peers: "h" }]);
});

test("a report after 10 s is one line for a kind, however many peers it has", () => {
  const { admitted, advance, reports } = start();
  for (let i = 0; i < 5; i++) admitted(22, "a", `10.0.0.${i}:1`);
  admitted(21, "b", "h:1");
  advance(10_000);
  expect(reports).toEqual([
    { kind: "a", lines: 10, peers: "5 peers" },
    { kind: "b", lines: 1, peers: "h" },
  ]);
});

test("many peers together have 200 lines of a kind at once, and 10 more each second", () => {
  const { limits, advance } = start();
  const each = (): number => {
    let n = 0;
    for (let i = 0; i < 5000; i++) if (limits.admit("warn", "a", `10.0.${i >> 8}.${i & 255}:1`)) n++;
    return n;
  };
  expect(each()).toBe(200);
  advance(1000);
  expect(each()).toBe(10);
});

test("at most 1000 peers are kept, and a peer that is quiet again gives its place to another", () => {
  const { limits, admitted, advance } = start();
  for (let i = 0; i < 5000; i++) limits.admit("warn", `kind ${i % 50}`, `10.0.${i >> 8}.${i & 255}:1`);
  expect(limits.peers).toBe(1000);
  // Full: a new peer shares a bucket with the others.
  advance(500);
  admitted(100, "kind 0", "10.9.9.1:1");
  expect(admitted(1, "kind 0", "10.9.9.2:1")).toBe(0);
  advance(60_000);
  expect(admitted(100, "kind 0", "10.9.9.3:1")).toBe(20);
  expect(admitted(100, "kind 0", "10.9.9.4:1")).toBe(20);
  expect(limits.peers).toBe(1000);
});

test.each([
  ["127.0.0.1:50000", "127.0.0.1"],
  ["[::1]:50000", "[::1]"],
  ["[2001:db8::1]:50000", "[2001:db8:0:0::/64]"],
  ["[2001:db8:0:0:1::]:50000", "[2001:db8:0:0::/64]"],
  ["[2001:db8:1:2:3:4:5:6]:1", "[2001:db8:1:2::/64]"],
  ["[fe80::1%eth0]:1", "[fe80:0:0:0::/64]"],
  ["unix:/run/a.sock", "unix:/run/a.sock"],
  ["unix:/run/a:80", "unix:/run/a:80"],
  ["memory", "memory"],
  ["unknown", "unknown"],
])("the peer of %s is %s", (address, peer) => {
  expect(peerName(address)).toBe(peer);
});

// SPDX-License-Identifier: Apache-2.0
import { formatTimeout, parseTimeout } from "./timeout.js";

test.each([
  ["1n", 1e-6],
  ["5u", 0.005],
  ["100m", 100],
  ["99999999m", 99_999_999],
  ["2S", 2000],
  ["3M", 180_000],
  ["1H", 3_600_000],
  ["0m", 0],
  ["00000001S", 1000],
])("%s is %d ms", (value, ms) => {
  expect(parseTimeout(value)).toBe(ms);
});

test.each(["", "m", "1", "1 m", "-1m", "1.5S", "123456789m", "1s", "1ms", "1m ", "+1m"])(
  "%j is not a timeout",
  (value) => {
    expect(parseTimeout(value)).toBeUndefined();
  },
);

test.each([
  [0, "0m"],
  [-5, "0m"],
  [0.1, "1m"],
  [1, "1m"],
  [1.5, "2m"],
  [99_999_999, "99999999m"],
  [100_000_000, "100000S"],
  [100_000_001, "100001S"],
  [99_999_999_000, "99999999S"],
  [100_000_000_000, "1666667M"],
  [1e13, "2777778H"],
  [Number.MAX_VALUE, "99999999H"],
  [Number.POSITIVE_INFINITY, "99999999H"],
])("%d ms is %s", (ms, value) => {
  expect(formatTimeout(ms)).toBe(value);
});

test("what is formatted is never shorter than what was asked for", () => {
  for (let ms = 0.7; ms < 1e12; ms *= 1.7) expect(parseTimeout(formatTimeout(ms))).toBeGreaterThanOrEqual(ms);
});

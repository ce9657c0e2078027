// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { expected, playRow } from "./transitions.js";
import { endingRows } from "./transitions-endings.js";
import { fieldRows } from "./transitions-fields.js";
import { frameRows } from "./transitions-frames.js";
import { settingsRows } from "./transitions-settings.js";
import { streamRows } from "./transitions-streams.js";

const rows = [...frameRows, ...settingsRows, ...streamRows, ...fieldRows, ...endingRows].sort(
  (a, b) => a.row - b.row,
);
const cases = rows.flatMap((row) => row.roles.map((role) => ({ ...row, role })));

describe("the transition table", () => {
  it.each(cases)("row $row, $role: $title", (row) => {
    expect(playRow(row, row.role, Number.POSITIVE_INFINITY)).toEqual(expected(row));
  });

  it.each(cases)("row $row, $role, byte by byte: $title", (row) => {
    expect(playRow(row, row.role, 1)).toEqual(expected(row));
  });

  it("has every row", () => {
    expect([...new Set(rows.map((row) => row.row))]).toEqual(Array.from({ length: 53 }, (_, i) => i + 1));
  });
});

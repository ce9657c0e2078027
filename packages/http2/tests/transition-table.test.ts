// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { expected, playRow } from "./transitions.js";
import { endingRows } from "./transitions-endings.js";
import { fieldRows } from "./transitions-fields.js";
import { frameRows } from "./transitions-frames.js";
import { settingsRows } from "./transitions-settings.js";
import { streamRows } from "./transitions-streams.js";

const rows = [...frameRows, ...settingsRows, ...streamRows, ...fieldRows, ...endingRows];
const cases = rows.flatMap((row) => row.roles.map((role) => ({ ...row, role })));

/** The sections of RFC 9113 with rules for what a peer may send, and when. */
const sections = [
  ...["3.4", "4.2", "4.3", "5.1", "5.1.1", "5.1.2", "5.3.1", "5.4.3", "5.5"],
  ...["6.1", "6.2", "6.3", "6.4", "6.5", "6.5.2", "6.5.3", "6.7", "6.8", "6.9", "6.9.1", "6.9.2", "6.10"],
  ...["8.1", "8.1.1", "8.2.1", "8.2.2", "8.3", "8.3.1", "8.3.2", "8.4", "8.5", "8.6", "8.7"],
];

describe("the transition table", () => {
  it.each(cases)("answers by §$rfc as a $role: $title", (row) => {
    expect(playRow(row, row.role, Number.POSITIVE_INFINITY)).toEqual(expected(row));
  });

  it.each(cases)("answers by §$rfc as a $role, byte by byte: $title", (row) => {
    expect(playRow(row, row.role, 1)).toEqual(expected(row));
  });

  it("has rows for every section", () => {
    const cited = new Set(rows.map((row) => row.rfc));
    expect(sections.filter((section) => !cited.has(section))).toEqual([]);
    expect([...cited].filter((section) => !sections.includes(section))).toEqual([]);
  });
});

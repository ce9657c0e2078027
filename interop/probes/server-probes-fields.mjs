// SPDX-License-Identifier: Apache-2.0
// Rows 35 to 42: what header lists and bodies may be. See probe-list.mjs.
import { data, headers } from "../../wire/frames.mjs";
import { get, post } from "./steps.mjs";

const without = (name) => get.filter((_, i) => get[i - (i % 2)] !== name);
const malformed = "RST PROTOCOL_ERROR";
const bad8 = "RST PROTOCOL_ERROR §8.2.1";
const bad83 = "RST PROTOCOL_ERROR §8.3";
const length = (...values) => values.flatMap((value) => ["content-length", value]);

/** Row, what is special about the list, the list, the RFC, what ours does. */
const lists = [
  [35, "an upper-case letter in a name", [...get, "Abc", "v"], bad8, malformed],
  [35, "a space in a name", [...get, "a b", "v"], bad8, malformed],
  [35, "a byte above 0x7f in a name", [...get, "a\xe9", "v"], bad8, malformed],
  [35, "a colon within a name", [...get, "a:b", "v"], bad8, malformed],
  [35, "an empty name", [...get, "", "v"], bad8, malformed],
  [36, "NUL in a value", [...get, "a", "v\0"], bad8, malformed],
  [36, "CR in a value", [...get, "a", "v\rw"], bad8, malformed],
  [36, "LF in a value", [...get, "a", "v\nw"], bad8, malformed],
  [36, "white space at the edges of a value", [...get, "a", " v\t"], bad8, "200"],
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].map((name) => [
    37,
    name,
    [...get, name, "x"],
    "RST PROTOCOL_ERROR §8.2.2",
    malformed,
  ]),
  [38, "te other than trailers", [...get, "te", "gzip"], "RST PROTOCOL_ERROR §8.2.2", malformed],
  [38, "te: trailers", [...get, "te", "trailers"], "200 §8.2.2", "200"],
  [39, "a pseudo-header after a field", ["a", "b", ...get], bad83, malformed],
  [39, "a pseudo-header twice", [...get, ":path", "/"], bad83, malformed],
  [39, "an unknown pseudo-header", [":foo", "x", ...get], bad83, malformed],
  [39, "a response's pseudo-header", [":status", "200", ...get], bad83, malformed],
  [40, "no :method", without(":method"), "RST PROTOCOL_ERROR §8.3.1", malformed],
  [40, "no :scheme", without(":scheme"), "RST PROTOCOL_ERROR §8.3.1", malformed],
  [40, "no :path", without(":path"), "RST PROTOCOL_ERROR §8.3.1", malformed],
  [40, "an empty :path", [...without(":path"), ":path", ""], "RST PROTOCOL_ERROR §8.3.1", malformed],
  [41, "no :authority and no host", without(":authority"), "200 §8.3.1", "200"],
  [41, "a host instead of :authority", [...without(":authority"), "host", "a"], "200 §8.3.1", "200"],
  [41, "a host that is not the :authority", [...get, "host", "b"], "may be malformed §8.3.1", "200"],
  [41, "two hosts", [...without(":authority"), "host", "a", "host", "b"], "-", "200"],
  [42, "no body, content-length 5", [...get, ...length("5")], "RST PROTOCOL_ERROR §8.1.1", malformed],
  [
    42,
    "content-length that is not a number",
    [...get, ...length("x")],
    "RST PROTOCOL_ERROR §8.1.1",
    malformed,
  ],
  [
    42,
    "two different content-lengths",
    [...get, ...length("0", "1")],
    "RST PROTOCOL_ERROR §8.1.1",
    malformed,
  ],
];

export const fieldProbes = [
  ...lists.map(([row, title, fields, rfc, ours]) => ({
    row,
    title,
    rfc,
    input: [headers(1, fields, { end: true })],
    answers: true,
    ours,
  })),
  {
    row: 42,
    title: "a body longer than content-length",
    rfc: "RST PROTOCOL_ERROR §8.1.1",
    given: [headers(1, [...post("/"), ...length("5")])],
    input: [data(1, 6, { end: true })],
    answers: true,
    ours: malformed,
  },
  {
    row: 42,
    title: "a body shorter than content-length",
    rfc: "RST PROTOCOL_ERROR §8.1.1",
    given: [headers(1, [...post("/"), ...length("5")])],
    input: [data(1, 4, { end: true })],
    answers: true,
    ours: malformed,
  },
];

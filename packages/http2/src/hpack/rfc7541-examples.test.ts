// SPDX-License-Identifier: Apache-2.0
// The examples of RFC 7541 appendix C, complete. https://www.rfc-editor.org/rfc/rfc7541#appendix-C
import { describe, expect, it } from "@jest/globals";
import { HpackDecoder } from "./decoder.js";
import { HpackEncoder } from "./encoder.js";
import { writeInteger } from "./integer.js";

interface Example {
  readonly section: string;
  readonly wire: string;
  readonly fields: string[];
  /** The table after it, newest first. */
  readonly table: string[];
  readonly size: number;
}

const DATE_21 = "Mon, 21 Oct 2013 20:13:21 GMT";
const DATE_22 = "Mon, 21 Oct 2013 20:13:22 GMT";
const URL = "https://www.example.com";
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

const AUTHORITY = [":authority", "www.example.com"];
const NO_CACHE = ["cache-control", "no-cache"];
const CUSTOM = ["custom-key", "custom-value"];
const GET_HTTP = [":method", "GET", ":scheme", "http", ":path", "/"];
const GET_HTTPS = [":method", "GET", ":scheme", "https", ":path", "/index.html"];
const PRIVATE = ["cache-control", "private"];

const requests = (wires: readonly [string, string, string], section: string): Example[] => [
  {
    section: `${section}.1`,
    wire: wires[0],
    fields: [...GET_HTTP, ...AUTHORITY],
    table: [...AUTHORITY],
    size: 57,
  },
  {
    section: `${section}.2`,
    wire: wires[1],
    fields: [...GET_HTTP, ...AUTHORITY, ...NO_CACHE],
    table: [...NO_CACHE, ...AUTHORITY],
    size: 110,
  },
  {
    section: `${section}.3`,
    wire: wires[2],
    fields: [...GET_HTTPS, ...AUTHORITY, ...CUSTOM],
    table: [...CUSTOM, ...NO_CACHE, ...AUTHORITY],
    size: 164,
  },
];

const responses = (wires: readonly [string, string, string], section: string): Example[] => [
  {
    section: `${section}.1`,
    wire: wires[0],
    fields: [":status", "302", ...PRIVATE, "date", DATE_21, "location", URL],
    table: ["location", URL, "date", DATE_21, ...PRIVATE, ":status", "302"],
    size: 222,
  },
  {
    section: `${section}.2`,
    wire: wires[1],
    fields: [":status", "307", ...PRIVATE, "date", DATE_21, "location", URL],
    table: [":status", "307", "location", URL, "date", DATE_21, ...PRIVATE],
    size: 222,
  },
  {
    section: `${section}.3`,
    wire: wires[2],
    fields: [
      ...[":status", "200", ...PRIVATE, "date", DATE_22, "location", URL],
      ...["content-encoding", "gzip", "set-cookie", COOKIE],
    ],
    table: ["set-cookie", COOKIE, "content-encoding", "gzip", "date", DATE_22],
    size: 215,
  },
];

const C3 = requests(
  [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ],
  "C.3",
);
const C4 = requests(
  [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ],
  "C.4",
);
const C5 = responses(
  [
    `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
     546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
    "4803 3330 37c1 c0bf",
    `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
     6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
     2076 6572 7369 6f6e 3d31`,
  ],
  "C.5",
);
const C6 = responses(
  [
    `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
     8f0b 97c8 e9ae 82ae 43d3`,
    "4883 640e ffc1 c0bf",
    `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
     dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
  ],
  "C.6",
);

const bytes = (hex: string) =>
  Uint8Array.from(hex.replace(/\s/g, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function decode(decoder: HpackDecoder, wire: string): readonly string[] {
  const block = bytes(wire);
  return decoder.decode(block, 0, block.length).fields;
}

function tableOf(decoder: HpackDecoder): string[] {
  const { table } = decoder;
  const slots = Array.from({ length: table.length }, (_, i) => table.slot(62 + i));
  return slots.flatMap((slot) => [table.names[slot] ?? "", table.values[slot] ?? ""]);
}

describe("the integers of RFC 7541 C.1", () => {
  it.each([
    ["C.1.1", 10, 0x1f, "0a"],
    ["C.1.2", 1337, 0x1f, "1f9a0a"],
    ["C.1.3", 42, 0xff, "2a"],
  ])("%s is written as in the RFC", (_, value, mask, expected) => {
    const out = new Uint8Array(8);
    expect(hex(out.subarray(0, writeInteger(value, mask, 0, out, 0)))).toBe(expected);
  });

  it.each([
    ["C.1.1", 10, "2a"],
    ["C.1.2", 1337, "3f9a0a"],
  ])("%s is read back, here as a table size", (_, value, wire) => {
    const decoder = new HpackDecoder();
    decode(decoder, wire);
    expect(decoder.table.maxSize).toBe(value);
  });
});

describe("the header fields of RFC 7541 C.2", () => {
  it.each([
    [
      "C.2.1",
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      ["custom-key", "custom-header"],
      55,
    ],
    ["C.2.2", "040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"], 0],
    ["C.2.3", "1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"], 0],
    ["C.2.4", "82", [":method", "GET"], 0],
  ])("%s is decoded as in the RFC", (_, wire, fields, size) => {
    const decoder = new HpackDecoder();
    expect(decode(decoder, wire)).toEqual(fields);
    expect(decoder.table.size).toBe(size);
    expect(tableOf(decoder)).toEqual(size === 0 ? [] : fields);
  });

  it("C.2.3 is encoded without a trace in the table when the name is registered as sensitive", () => {
    const encoder = new HpackEncoder(4096, { sensitive: new Set(["password"]) });
    const out = new Uint8Array(64);
    const end = encoder.encode(["password", "secret"], out, 0);
    expect(out[0]).toBe(0x10);
    expect(new HpackDecoder().decode(out, 0, end).fields).toEqual(["password", "secret"]);
    expect(encoder.table.size).toBe(0);
  });
});

describe.each([
  ["requests without Huffman coding", 4096, C3],
  ["requests with Huffman coding", 4096, C4],
  ["responses without Huffman coding", 256, C5],
  ["responses with Huffman coding", 256, C6],
])("the sequence of %s", (_, maxTableSize, examples) => {
  it("is decoded to the fields and tables of the RFC", () => {
    const decoder = new HpackDecoder({ maxTableSize });
    for (const { wire, fields, table, size } of examples) {
      expect(decode(decoder, wire)).toEqual(fields);
      expect(tableOf(decoder)).toEqual(table);
      expect(decoder.table.size).toBe(size);
    }
  });
});

describe("the encoder", () => {
  it("makes the very bytes and tables of the requests with Huffman coding", () => {
    const encoder = new HpackEncoder();
    const out = new Uint8Array(256);
    for (const { wire, fields, size } of C4) {
      const end = encoder.encode(fields, out, 0);
      expect(hex(out.subarray(0, end))).toBe(hex(bytes(wire)));
      expect(encoder.table.size).toBe(size);
    }
  });

  // Not the same bytes: date, location and set-cookie are not indexed here.
  it("makes blocks of the responses that decode to their fields, in a table of 256 bytes", () => {
    const encoder = new HpackEncoder(256);
    const decoder = new HpackDecoder({ maxTableSize: 256 });
    const out = new Uint8Array(512);
    for (const { fields } of C6) {
      expect(decoder.decode(out, 0, encoder.encode(fields, out, 0)).fields).toEqual(fields);
      expect(encoder.table.size).toBe(decoder.table.size);
    }
  });
});

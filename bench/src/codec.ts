// SPDX-License-Identifier: Apache-2.0
// node codec.js [--rounds N]: the codec alone, beside protobuf-es, in one process.
import { parseArgs } from "node:util";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { compileCodec } from "@tristream/codec";
import { MessageSchema, OrderSchema } from "../gen/bench_pb.js";
import { LARGE, payloads, SMALL } from "./messages.js";
import { median, table } from "./report.js";

/** A message to measure. */
interface Subject {
  readonly title: string;
  readonly desc: DescMessage;
  readonly init: object;
}

const order: MessageInitShape<typeof OrderSchema> = {
  id: "o-2026-000117",
  customer: 7_000_000_001n,
  items: [
    { sku: "tea-green-100", count: 2, price: 4.95 },
    { sku: "cup", count: 1, price: 12.5 },
  ],
  labels: { channel: "web", campaign: "autumn" },
  method: 1,
  made: { seconds: 1_790_000_000n, nanos: 5000 },
  destination: { case: "address", value: "12 Long Street" },
};

const subjects: readonly Subject[] = [
  {
    title: "a number and a text, 16 B",
    desc: MessageSchema,
    init: { number: 20_000, payload: payloads(SMALL)[0]! },
  },
  { title: "an order of two lines", desc: OrderSchema, init: order },
  {
    title: "the same with a StringValue",
    desc: OrderSchema,
    init: { ...order, note: "leave it at the door" },
  },
  {
    title: "the same in Chinese",
    desc: OrderSchema,
    init: {
      ...order,
      destination: { case: "address", value: "北京市朝阳区建国路88号" },
    },
  },
  {
    title: "an order of 100 lines",
    desc: OrderSchema,
    init: {
      ...order,
      items: Array.from({ length: 100 }, (_, i) => ({ sku: `sku-${i}`, count: i, price: i / 4 })),
    },
  },
  { title: "16 B of bytes", desc: BytesValueSchema, init: { value: new Uint8Array(16).fill(7) } },
  { title: "1 KiB of bytes", desc: BytesValueSchema, init: { value: new Uint8Array(1024).fill(7) } },
  { title: "64 KiB of bytes", desc: BytesValueSchema, init: { value: new Uint8Array(65_536).fill(7) } },
  { title: "64 KiB of text", desc: MessageSchema, init: { number: 20_000, payload: payloads(LARGE)[0]! } },
];

/** Nanoseconds that one call of `work` takes: as many calls as take a twentieth of a second. */
function nanosOf(work: () => unknown): number {
  const enough = 50e6;
  let calls = 0;
  let elapsed = 0;
  for (let batch = 8; elapsed < enough; batch *= 2) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < batch; i++) work();
    elapsed += Number(process.hrtime.bigint() - start);
    calls += batch;
  }
  return elapsed / calls;
}

/** The figures of one message: ours and protobuf-es's. */
function works({ desc, init }: Subject): readonly (() => unknown)[] {
  const { serialize, parse, direct } = compileCodec(desc);
  const bytes = serialize(init as never);
  if (Buffer.compare(bytes, toBinary(desc, create(desc, init as never))) !== 0) {
    throw new Error(`${desc.typeName}: the bytes differ`);
  }
  // As they come from a socket.
  const received = Buffer.from(bytes);
  const view = () => new Uint8Array(received.buffer, received.byteOffset, received.length);
  const bound = direct.bound(init as never);
  const room = new Uint8Array(bound);
  // As the engine does: in place where there is room in a frame, else serialised and copied.
  const write =
    bytes.length < 16_384
      ? () => direct.bound(init as never) && direct.write(init as never, room, 0)
      : () => serialize(init as never);
  return [
    write,
    () => toBinary(desc, create(desc, init as never)),
    () => parse(received, 0, received.length),
    () => fromBinary(desc, view()),
  ];
}

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds "${values.rounds}" is not a number above 0`);

const measured = subjects.map((each) => ({
  title: each.title,
  works: works(each),
  nanos: [[], [], [], []] as number[][],
}));
// All types are in use before the first is measured, as in an application; the first round is not counted.
for (let round = 0; round <= rounds; round++) {
  for (const { works, nanos } of measured) {
    works.forEach((work, i) => {
      const each = nanosOf(work);
      if (round > 0) nanos[i]!.push(each);
    });
  }
}
const ratio = (ours: number[], theirs: number[]) => (median(theirs) / median(ours)).toFixed(1);
const nanos = (list: number[]) => Math.round(median(list)).toLocaleString("en");
const rows = measured.map(({ title, nanos: [write, toBinary, parse, fromBinary] }) => [
  title,
  nanos(write!),
  nanos(toBinary!),
  ratio(write!, toBinary!),
  nanos(parse!),
  nanos(fromBinary!),
  ratio(parse!, fromBinary!),
]);
console.log(
  table(["message", "write", "protobuf-es", "times as fast", "read", "protobuf-es", "times as fast"], rows),
);

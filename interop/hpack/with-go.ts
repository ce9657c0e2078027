// SPDX-License-Identifier: Apache-2.0
import { HeaderBlock, HpackDecoder, HpackEncoder, type Random } from "./codec.js";
import { formatFields, type GoCodec } from "./go-codec.js";
import { isSecret, Lists, secrets, tableSizes } from "./lists.js";

const batch = 500;
const wide = { maxListSize: 1 << 24, maxFields: 10_000 };

/** Ours encodes, Go decodes: every field, in order, with the mark of those that are never to be indexed. */
export async function oursToGo(go: GoCodec, random: Random, count: number): Promise<void> {
  const lists = new Lists(random, false);
  const encoder = new HpackEncoder(4096, { sensitive: secrets });
  const prepared = Array.from({ length: 8 }, () => new HeaderBlock(lists.next()));
  const out = new Uint8Array(1 << 20);
  for (let done = 0; done < count; done += batch) {
    const answers: Promise<void>[] = [];
    for (let i = done; i < Math.min(done + batch, count); i++) {
      if (random.oneIn(30)) {
        for (let changes = random.int(1, 4); changes > 0; changes--) {
          const size = random.pick(tableSizes);
          encoder.setPeerTableSize(size);
          go.tell(`decoder-limit ${size}`);
        }
      }
      const ready = random.oneIn(4) ? random.pick(prepared) : undefined;
      const fields = ready === undefined ? lists.next() : ready.fields;
      const end = ready === undefined ? encoder.encode(fields, out, 0) : encoder.encodeBlock(ready, out, 0);
      const block = Buffer.from(out.subarray(0, end)).toString("hex");
      answers.push(
        go.ask(`decode ${block}`).then((answer) => {
          const expected = formatFields(fields, isSecret);
          if (answer !== expected) throw disagreement(`list ${i}, block ${block}`, expected, answer);
        }),
      );
    }
    await Promise.all(answers);
  }
}

/** Go encodes, with Huffman and with marks of its own; ours decodes. */
export async function goToOurs(go: GoCodec, random: Random, count: number): Promise<void> {
  const lists = new Lists(random, false);
  const decoder = new HpackDecoder(wide);
  for (let done = 0; done < count; done += batch) {
    const answers: Promise<void>[] = [];
    for (let i = done; i < Math.min(done + batch, count); i++) {
      if (random.oneIn(30)) {
        for (let changes = random.int(1, 4); changes > 0; changes--)
          go.tell(`encoder-size ${Math.min(4096, random.pick(tableSizes))}`);
      }
      const fields = lists.next();
      answers.push(
        go.ask(`encode ${formatFields(fields, () => random.oneIn(10))}`).then((block) => {
          const bytes = Buffer.from(block, "hex");
          const read = decoder.decode(bytes, 0, bytes.length).fields;
          const [expected, got] = [JSON.stringify(fields), JSON.stringify(read)];
          if (got !== expected) throw disagreement(`list ${i}, block ${block}`, expected, got);
        }),
      );
    }
    await Promise.all(answers);
  }
}

/** The differences on purpose, or by Go's leave: ours refuses integers of 6 bytes; each has its own rule of size updates. */
const tolerated = /longer than 5 bytes|table size update/;

/** How both judged blocks that are mostly broken. */
export interface Judgements {
  bothAccept: number;
  bothRefuse: number;
  tolerated: number;
}

/** Blocks with bytes changed, cut out or put in: both refuse, or both read the same fields. */
export async function brokenBlocks(go: GoCodec, random: Random, count: number): Promise<Judgements> {
  const lists = new Lists(random, false);
  const judgements = { bothAccept: 0, bothRefuse: 0, tolerated: 0 };
  const out = new Uint8Array(1 << 20);
  for (let done = 0; done < count; done += batch) {
    const answers: Promise<void>[] = [];
    for (let i = done; i < Math.min(done + batch, count); i++) {
      const encoder = new HpackEncoder(4096, { sensitive: secrets });
      const decoder = new HpackDecoder(wide);
      go.tell("new-decoder");
      const before = out.slice(0, encoder.encode(lists.next(), out, 0));
      decoder.decode(before, 0, before.length);
      answers.push(go.ask(`decode ${Buffer.from(before).toString("hex")}`).then(() => {}));
      const whole = out.slice(0, encoder.encode(lists.next(), out, 0));
      const broken = mutate(random, whole.subarray(0, random.pick([10, 40, 200, 2000])));
      const ours = judge(decoder, broken);
      const block = Buffer.from(broken).toString("hex");
      answers.push(
        go.ask(`decode ${block}`).then((theirs) => {
          const refused = [ours, theirs].filter((answer) => answer.startsWith("error "));
          if (refused.length === 2) judgements.bothRefuse++;
          else if (ours === unmarked(theirs)) judgements.bothAccept++;
          else if (refused.length === 1 && tolerated.test(refused[0] ?? "")) judgements.tolerated++;
          else throw disagreement(`broken block ${i}, ${block}`, theirs, ours);
        }),
      );
    }
    await Promise.all(answers);
  }
  return judgements;
}

function judge(decoder: HpackDecoder, block: Uint8Array): string {
  try {
    return formatFields(decoder.decode(block, 0, block.length).fields, () => false);
  } catch (error) {
    return `error ${String(error)}`;
  }
}

/** Our decoder does not tell which fields are never to be indexed. */
function unmarked(fields: string): string {
  return fields.replaceAll("!", "");
}

function mutate(random: Random, block: Uint8Array): Uint8Array {
  const bytes = [...block];
  for (let changes = random.int(1, 3); changes > 0; changes--) {
    const at = random.int(0, bytes.length);
    const byte = random.oneIn(2) ? random.pick([0, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xff]) : random.int(0, 255);
    if (random.oneIn(3)) bytes.splice(at, random.int(0, 5));
    else bytes.splice(at, random.int(0, 1), byte);
  }
  return Uint8Array.from(bytes);
}

function disagreement(where: string, expected: string, got: string): Error {
  return new Error(`${where}:\n  expected ${expected}\n  got      ${got}`);
}

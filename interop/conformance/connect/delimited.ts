// SPDX-License-Identifier: Apache-2.0
// How the runner talks to our programs: messages on stdin and stdout, each behind its length, four bytes, big-endian.
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

const prefixLength = 4;

/** The messages of an input, until it ends. */
export async function* readDelimited<Desc extends DescMessage>(
  schema: Desc,
  input: AsyncIterable<Buffer>,
): AsyncGenerator<MessageShape<Desc>> {
  let waiting = Buffer.alloc(0);
  for await (const chunk of input) {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= prefixLength) {
      const end = prefixLength + waiting.readUInt32BE();
      if (waiting.length < end) break;
      yield fromBinary(schema, waiting.subarray(prefixLength, end));
      waiting = waiting.subarray(end);
    }
  }
  if (waiting.length > 0) throw new Error(`the input ended inside a message, after ${waiting.length} bytes`);
}

/** Writes a message in one piece, so that messages written at the same time don't mix. */
export function writeDelimited<Desc extends DescMessage>(
  schema: Desc,
  output: NodeJS.WritableStream,
  message: MessageShape<Desc>,
): void {
  const bytes = toBinary(schema, message);
  const prefix = Buffer.alloc(prefixLength);
  prefix.writeUInt32BE(bytes.length);
  output.write(Buffer.concat([prefix, bytes]));
}

// SPDX-License-Identifier: Apache-2.0
import { block, data, headers } from "../wire/frames.mjs";

/** The fields of a request to a method of the greeter, and more. */
export function requestTo(method: string, ...more: string[]): string[] {
  return fieldsOf(`/greet.GreetService/${method}`, ...more);
}

/** The fields of a request to a path. */
export function fieldsOf(path: string, ...more: string[]): string[] {
  return [
    ...[":method", "POST", ":scheme", "http", ":path", path, ":authority", "127.0.0.1"],
    ...["content-type", "application/grpc", "te", "trailers", ...more],
  ];
}

/** A message with its prefix. */
export function message(body: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** A field of a protobuf message that has a length. */
export function field(number: number, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(...varint(number * 8 + 2), ...varint(body.length)), body]);
}

/** A message whose first field is a text, as all of the greeter have it. */
export function named(name: string): Buffer {
  return message(field(1, Buffer.from(name)));
}

/** The i-th id of a client. */
export const idOf = (i: number): number => 2 * i + 1;

/** A maker of whole unary calls, one after the other. */
export function callsOf(fields: readonly string[], body: Uint8Array): (i: number) => Buffer {
  const head = block(fields);
  return (i) => Buffer.concat([headers(idOf(i), head), data(idOf(i), body, { end: true })]);
}

function varint(n: number): number[] {
  const bytes: number[] = [];
  for (; n > 127; n = Math.floor(n / 128)) bytes.push((n & 127) | 128);
  bytes.push(n);
  return bytes;
}

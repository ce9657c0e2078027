// SPDX-License-Identifier: Apache-2.0
import type {
  BinaryReadOptions,
  BinaryWriteOptions,
  JsonReadOptions,
  JsonWriteOptions,
} from "@bufbuild/protobuf";
import { type OptionKinds, object } from "../../options/check-options.js";
import type { Given } from "../../protocol/or-undefined.js";

/** How messages are read and written, in Connect's terms. */
export interface FormatOptions {
  /**
   * Options of JSON: `registry` for `Any` and extensions, `ignoreUnknownFields`, `alwaysEmitImplicit` … Default: unknown
   * fields are ignored, as in Connect.
   */
  jsonOptions?: Partial<JsonReadOptions & JsonWriteOptions> | undefined;
  /**
   * Options of protobuf's binary form: `readUnknownFields`, `writeUnknownFields`. Default: both are on, and messages are read
   * and written by `@tristream/codec`. With an object here, also an empty one, protobuf-es does it: the same bytes and
   * messages, several times slower for small ones.
   */
  binaryOptions?: Partial<BinaryReadOptions & BinaryWriteOptions> | undefined;
}

const wanted = "an object with protobuf-es's options";

/** The kinds of {@link FormatOptions}. */
export const formatOptionKinds: OptionKinds<FormatOptions> = {
  jsonOptions: {
    accepts: (value) => object.accepts(value) && isRegistry((value as { registry?: unknown }).registry),
    wanted,
    partOf: (value) =>
      object.accepts(value)
        ? {
            path: ".registry",
            value: (value as { registry?: unknown }).registry,
            wanted: "what protobuf-es's createRegistry gives, or leave it out",
          }
        : null,
  },
  binaryOptions: { accepts: object.accepts, wanted },
};

/** The given options. Absent ones are absent properties, as Connect and protobuf-es expect. */
export function formatOptions({ jsonOptions, binaryOptions }: FormatOptions = {}): Given<FormatOptions> {
  return {
    ...(jsonOptions === undefined ? {} : { jsonOptions: given(jsonOptions) }),
    ...(binaryOptions === undefined ? {} : { binaryOptions: given(binaryOptions) }),
  };
}

function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function isRegistry(registry: unknown): boolean {
  return (
    registry === undefined || typeof (registry as { getMessage?: unknown } | null)?.getMessage === "function"
  );
}

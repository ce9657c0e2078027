// SPDX-License-Identifier: Apache-2.0
import type {
  BinaryReadOptions,
  BinaryWriteOptions,
  JsonReadOptions,
  JsonWriteOptions,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { anyValue, type OptionKinds } from "../../options/check-options.js";
import { describeValue } from "../../options/describe-value.js";
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

/** Their kinds; {@link formatOptions} checks the values. */
export const formatOptionKinds: OptionKinds<FormatOptions> = {
  jsonOptions: anyValue,
  binaryOptions: anyValue,
};

/**
 * The given options. Absent ones are absent properties, as Connect and protobuf-es expect. Throws `InvalidArgument` for options that
 * are not an object, and for an invalid registry.
 */
export function formatOptions({ jsonOptions, binaryOptions }: FormatOptions = {}): Given<FormatOptions> {
  const json = given("jsonOptions", jsonOptions);
  const binary = given("binaryOptions", binaryOptions);
  checkRegistry(json?.registry);
  return {
    ...(json === undefined ? {} : { jsonOptions: json }),
    ...(binary === undefined ? {} : { binaryOptions: binary }),
  };
}

function given<T extends object>(name: string, options: T | undefined): T | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new ConnectError(
      `${name} is ${describeValue(options)}: pass an object with protobuf-es's options, or leave it out`,
      Code.InvalidArgument,
    );
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function checkRegistry(registry: unknown): void {
  if (registry === undefined) return;
  if (typeof (registry as { getMessage?: unknown } | null)?.getMessage === "function") return;
  throw new ConnectError(
    `registry of jsonOptions is ${describeValue(registry)}: pass what protobuf-es's createRegistry gives`,
    Code.InvalidArgument,
  );
}

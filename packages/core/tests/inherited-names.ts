// SPDX-License-Identifier: Apache-2.0
import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValueSchema,
} from "@bufbuild/protobuf/wkt";

const type = ".google.protobuf.StringValue";
const names = ["HasOwnProperty", "IsPrototypeOf", "ToString", "Constructor", "Then", "Plain"];

const file = create(FileDescriptorProtoSchema, {
  name: "odd.proto",
  package: "odd",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [{ name: "Odd", method: names.map((name) => ({ name, inputType: type, outputType: type })) }],
});

interface Unary {
  methodKind: "unary";
  input: typeof StringValueSchema;
  output: typeof StringValueSchema;
}

/** A service whose rpcs have names that mean something in JavaScript. protobuf-es puts a `$` behind some of them. */
export const Odd = createFileRegistry(file, () => file_google_protobuf_wrappers.proto).getService(
  "odd.Odd",
) as GenService<{
  hasOwnProperty: Unary;
  isPrototypeOf: Unary;
  toString$: Unary;
  constructor$: Unary;
  then: Unary;
  plain: Unary;
}>;

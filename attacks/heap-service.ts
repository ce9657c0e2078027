// SPDX-License-Identifier: Apache-2.0
import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
  type ListValueSchema,
} from "@bufbuild/protobuf/wkt";

const type = ".google.protobuf.ListValue";

const file = create(FileDescriptorProtoSchema, {
  name: "heap.proto",
  package: "attacks",
  syntax: "proto3",
  dependency: ["google/protobuf/struct.proto"],
  service: [
    {
      name: "Heap",
      method: [
        { name: "Unary", inputType: type, outputType: type },
        { name: "Upload", inputType: type, outputType: type, clientStreaming: true },
      ],
    },
  ],
});

/** A service whose messages are lists of messages: each element costs an object. */
export const HeapService = createFileRegistry(file, () => file_google_protobuf_struct.proto).getService(
  "attacks.Heap",
) as GenService<{
  unary: { methodKind: "unary"; input: typeof ListValueSchema; output: typeof ListValueSchema };
  upload: { methodKind: "client_streaming"; input: typeof ListValueSchema; output: typeof ListValueSchema };
}>;

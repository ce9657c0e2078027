// SPDX-License-Identifier: Apache-2.0
import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import {
  type BytesValueSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";

const type = ".google.protobuf.BytesValue";

const file = create(FileDescriptorProtoSchema, {
  name: "blobs.proto",
  package: "blobs",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [
    {
      name: "Blobs",
      method: [
        { name: "Unary", inputType: type, outputType: type },
        { name: "Bidi", inputType: type, outputType: type, clientStreaming: true, serverStreaming: true },
      ],
    },
  ],
});

/** A service whose messages are bytes, made here: nothing else needs its schema. */
export const Blobs = createFileRegistry(file, () => file_google_protobuf_wrappers.proto).getService(
  "blobs.Blobs",
) as GenService<{
  unary: { methodKind: "unary"; input: typeof BytesValueSchema; output: typeof BytesValueSchema };
  bidi: { methodKind: "bidi_streaming"; input: typeof BytesValueSchema; output: typeof BytesValueSchema };
}>;

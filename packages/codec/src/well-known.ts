// SPDX-License-Identifier: Apache-2.0
import type { DescField } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/**
 * Whether protobuf-es holds the messages of a field in another form: `google.protobuf.StringValue` and its kind as the
 * bare value, `google.protobuf.Struct` as a JSON object.
 */
export function convertsMessage(field: DescField): boolean {
  const { message } = field;
  if (message === undefined) return false;
  if (message.typeName === "google.protobuf.Struct")
    return field.parent?.typeName !== "google.protobuf.Value";
  return field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(message);
}

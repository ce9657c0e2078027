// SPDX-License-Identifier: Apache-2.0
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** Whether a field is left to protobuf-es: a group, or messages that it holds in another form. */
export function isLeft(field: DescField): boolean {
  const { message } = field;
  if (message === undefined) return false;
  return ("delimitedEncoding" in field && field.delimitedEncoding) || convertsMessage(field, message);
}

/**
 * Whether protobuf-es holds the messages of a field in another form: `google.protobuf.StringValue` and its kind as the
 * bare value, `google.protobuf.Struct` as a JSON object.
 */
function convertsMessage(field: DescField, message: DescMessage): boolean {
  if (message.typeName === "google.protobuf.Struct")
    return field.parent?.typeName !== "google.protobuf.Value";
  return field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(message);
}

// SPDX-License-Identifier: Apache-2.0
import type { DescField, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** True for fields that only protobuf-es reads and writes: groups, and `google.protobuf.Struct`, which it holds as a JSON object. */
export function usesFallback(field: DescField): boolean {
  const { message } = field;
  if (message === undefined) return false;
  if ("delimitedEncoding" in field && field.delimitedEncoding) return true;
  return message.typeName === "google.protobuf.Struct" && field.parent?.typeName !== "google.protobuf.Value";
}

/**
 * The field of `google.protobuf.StringValue` and its kind, where protobuf-es holds its value in place of the message: in a field
 * that is not a list, map or oneof. Undefined for all other fields.
 */
export function wrappedField(field: DescField): WrappedField | undefined {
  if (field.fieldKind !== "message" || field.oneof !== undefined || !isWrapperDesc(field.message))
    return undefined;
  return field.message.fields[0] as WrappedField;
}

/** The only field of a wrapper. */
export type WrappedField = DescField & { readonly fieldKind: "scalar"; readonly scalar: ScalarType };

// SPDX-License-Identifier: Apache-2.0

/** The kind of a value, for a message about a wrong one: `a number`, `an object of class Date`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  if (typeof (value as { $typeName?: unknown }).$typeName === "string")
    return `a ${(value as { $typeName: string }).$typeName}`;
  return `an object of class ${value.constructor?.name ?? "null"}`;
}

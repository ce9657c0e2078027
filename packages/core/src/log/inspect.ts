// SPDX-License-Identifier: Apache-2.0
import { printable } from "../protocol/printable.js";

/** The key of the method that gives an object's text to `console.log` of Node, Bun and Deno. */
export const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** The text of an object for the line of another one: its own, or `otherwise`. */
export function inspectText(value: object, otherwise: string): string {
  const own = (value as { [inspect]?: unknown })[inspect];
  return typeof own === "function" ? String(own.call(value)) : otherwise;
}

/** One line: the kind of object, its name, and what else there is to say. */
export function inspectLine(kind: string, name: string, ...details: readonly string[]): string {
  const detail = details.filter((each) => each !== "").join(", ");
  return `${kind}(${printable(detail === "" ? name : `${name}: ${detail}`)})`;
}

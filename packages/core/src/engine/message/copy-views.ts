// SPDX-License-Identifier: Apache-2.0

/**
 * Copies the bytes of a message that protobuf-es has parsed: `fromBinary` makes views of its input, which other messages may share.
 * For messages of Connect's own handlers and transports; our codec copies while it parses.
 */
export function copyViews(message: unknown): void {
  if (typeof message !== "object" || message === null || Object.isFrozen(message)) return;
  const parts = message as Record<string, unknown>;
  for (const name of Object.keys(parts)) {
    const part = parts[name];
    if (typeof part !== "object" || part === null) continue;
    if (!(part instanceof Uint8Array)) copyViews(part);
    else if (part.byteLength < part.buffer.byteLength) parts[name] = new Uint8Array(part);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { heldBytes, tooMuchHeld } from "../engine/message/held-bytes.js";

/** Memory of an object, an array or a `Uint8Array` beside its members, about: measured at 40 to 200 bytes. */
const objectBytes = 100;
/** Memory of a member beside its value. */
const memberBytes = 8;
/** Memory of a `bigint` in a list. */
const bigintBytes = 32;

/** The memory that a parsed message takes, about. For messages that another parser than the engine's has made. */
export function memoryOfMessage(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return memberBytes;
  if (ArrayBuffer.isView(value)) return objectBytes + value.byteLength;
  if (!Array.isArray(value)) {
    let sum = objectBytes;
    for (const member of Object.values(value)) sum += memoryOfMessage(member);
    return sum;
  }
  const type = typeof value[0];
  if (type === "bigint") return objectBytes + bigintBytes * value.length;
  if (type !== "string" && type !== "object") return objectBytes + memberBytes * value.length;
  return value.reduce<number>((sum, each) => sum + memberBytes + memoryOfMessage(each), objectBytes);
}

/** Counts the request message that the handler of a mounted call took last in the memory of the process. */
export class HeldMessage {
  private readonly maxHeldBytes: number;
  private held = 0;
  private over = false;

  constructor(maxHeldBytes: number) {
    this.maxHeldBytes = maxHeldBytes;
  }

  /** The handler gets a message. Throws a `ConnectError` if there is not so much memory. */
  readonly take = (message: unknown): void => {
    if (this.over) return;
    const bytes = memoryOfMessage(message);
    this.hold(0);
    if (heldBytes.total + bytes > this.maxHeldBytes) throw tooMuchHeld(this.maxHeldBytes);
    this.hold(bytes);
  };

  /** The handler asks for the next message. */
  readonly giveBack = (): void => this.hold(0);

  /** The call is over. */
  readonly end = (): void => {
    this.over = true;
    this.hold(0);
  };

  private hold(bytes: number): void {
    heldBytes.total += bytes - this.held;
    this.held = bytes;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { ScriptedLink } from "../tests/scripted-link.js";
import { must } from "./step.js";

/** A scripted link that also sees to it that buffers which it refers to stay as they were. */
export class FuzzLink extends ScriptedLink {
  /** Something was written after the end. */
  writtenLate = false;
  private readonly lent: { readonly bytes: Uint8Array; readonly copy: Uint8Array }[] = [];

  override write(bytes: Uint8Array): boolean {
    if (this.state !== "open") {
      this.writtenLate = true;
      return true;
    }
    const consumed = super.write(bytes);
    if (!consumed) this.lent.push({ bytes, copy: bytes.slice() });
    return consumed;
  }

  override drain(): void {
    for (const { bytes, copy } of this.lent) {
      const same = copy.every((byte, i) => bytes[i] === byte);
      must(same, "a buffer was changed before the link had sent it");
    }
    this.lent.length = 0;
    super.drain();
  }
}

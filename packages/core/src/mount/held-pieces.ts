// SPDX-License-Identifier: Apache-2.0

/** A smaller piece is copied: as an object of its own it would take several times its bytes. */
const smallBytes = 32;

const firstBlockBytes = 64;
const largestBlockBytes = 65_536;

/** Pieces of bytes that wait, in order. Their memory stays near their bytes, however small the pieces are. */
export class HeldPieces {
  private pieces: Uint8Array[] = [];
  /** Small pieces behind those, copied together. */
  private block: Uint8Array = new Uint8Array(0);
  private filled = 0;

  /** Adds a piece. A small one is copied; others stay the caller's memory. */
  push(b: Uint8Array): void {
    if (b.length >= smallBytes) {
      this.closeBlock();
      this.pieces.push(b);
      return;
    }
    if (this.filled + b.length > largestBlockBytes) this.closeBlock();
    if (this.filled + b.length > this.block.length) this.grow(this.filled + b.length);
    this.block.set(b, this.filled);
    this.filled += b.length;
  }

  /** Takes all bytes. */
  take(): Uint8Array[] {
    this.closeBlock();
    const { pieces } = this;
    this.pieces = [];
    return pieces;
  }

  private grow(needed: number): void {
    const block = new Uint8Array(Math.max(needed, firstBlockBytes, 2 * this.block.length));
    block.set(this.block.subarray(0, this.filled));
    this.block = block;
  }

  private closeBlock(): void {
    if (this.filled === 0) return;
    this.pieces.push(this.block.subarray(0, this.filled));
    this.block = new Uint8Array(0);
    this.filled = 0;
  }
}

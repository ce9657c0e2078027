// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "@jest/globals";
import { ErrorCode } from "../connection/error-code.js";
import { FrameType } from "../frame/frame-type.js";
import { HeaderAssembly } from "./header-assembly.js";

/** Feeds one block in parts of the given sizes; returns whether it got whole. */
function assemble(assembly: HeaderAssembly, sizes: readonly number[], ends = true): boolean {
  let whole = false;
  sizes.forEach((size, i) => {
    const type = i === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
    const last = ends && i === sizes.length - 1;
    const bytes = Uint8Array.from({ length: size }, (_, j) => i * 16 + j);
    assembly.frameHeader(type, 1, size);
    whole = assembly.add(1, bytes, 0, size, last, i === 0);
  });
  return whole;
}

const calm = expect.objectContaining({ code: ErrorCode.ENHANCE_YOUR_CALM });

describe("HeaderAssembly", () => {
  it("refers to the bytes of a block that one frame holds", () => {
    const assembly = new HeaderAssembly(16_384, 8);
    const bytes = Uint8Array.of(9, 1, 2, 9);
    expect(assembly.add(1, bytes, 1, 3, true, true)).toBe(true);
    expect([assembly.block, assembly.start, assembly.end]).toEqual([bytes, 1, 3]);
  });

  it("joins a block of several frames, and keeps the END_STREAM of the first", () => {
    const assembly = new HeaderAssembly(16_384, 8);
    expect(assemble(assembly, [2, 3, 0])).toBe(true);
    expect([...assembly.block.subarray(assembly.start, assembly.end)]).toEqual([0, 1, 16, 17, 18]);
    expect(assembly.endStream).toBe(true);
  });

  it("begins anew after a block was cleared", () => {
    const assembly = new HeaderAssembly(16_384, 8);
    for (let i = 0; i < 3; i++) {
      expect(assemble(assembly, Array(9).fill(1))).toBe(true);
      assembly.clear();
    }
  });

  it("takes 8 CONTINUATION frames and refuses the ninth before its payload", () => {
    const assembly = new HeaderAssembly(16_384, 8);
    assemble(assembly, Array(9).fill(1), false);
    expect(() => assembly.frameHeader(FrameType.CONTINUATION, 1, 1)).toThrow(calm);
  });

  it("takes as many CONTINUATION frames as it is told to", () => {
    const assembly = new HeaderAssembly(16_384 * 20, 25);
    assemble(assembly, Array(26).fill(1), false);
    expect(() => assembly.frameHeader(FrameType.CONTINUATION, 1, 1)).toThrow(calm);
  });

  it("refuses an empty CONTINUATION that does not end the block", () => {
    expect(() => assemble(new HeaderAssembly(16_384, 8), [1, 0], false)).toThrow(calm);
  });

  it.each([
    ["of one frame", [2049]],
    ["of several frames", [1024, 1024, 1]],
  ])("refuses a block %s of more than four times the list's limit before its payload", (_, sizes) => {
    const assembly = new HeaderAssembly(512, 8);
    assemble(assembly, sizes.slice(0, -1), false);
    const type = sizes.length === 1 ? FrameType.HEADERS : FrameType.CONTINUATION;
    expect(() => assembly.frameHeader(type, 1, sizes.at(-1)! - 1)).not.toThrow();
    const again = new HeaderAssembly(512, 8);
    assemble(again, sizes.slice(0, -1), false);
    expect(() => again.frameHeader(type, 1, sizes.at(-1)!)).toThrow(calm);
  });

  it("lets DATA of any size pass between blocks", () => {
    const assembly = new HeaderAssembly(512, 8);
    expect(() => assembly.frameHeader(FrameType.DATA, 1, 60_000)).not.toThrow();
  });
});

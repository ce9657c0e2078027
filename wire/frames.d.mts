// SPDX-License-Identifier: Apache-2.0
// Types of frames.mjs, for programs in TypeScript.

/** Variations of a frame. */
export interface FrameShape {
  end?: boolean;
  endHeaders?: boolean;
  pad?: number;
  dependsOn?: number;
}

export declare const preface: Buffer;
export declare const Type: Readonly<
  Record<
    | "DATA"
    | "HEADERS"
    | "PRIORITY"
    | "RST_STREAM"
    | "SETTINGS"
    | "PUSH_PROMISE"
    | "PING"
    | "GOAWAY"
    | "WINDOW_UPDATE"
    | "CONTINUATION",
    number
  >
>;
export declare const Flag: Readonly<
  Record<"ACK" | "END_STREAM" | "END_HEADERS" | "PADDED" | "PRIORITY", number>
>;
export declare function codeName(code: number): string;
export declare function frame(
  type: number,
  flags: number,
  id: number,
  payload?: Uint8Array | readonly number[],
  length?: number,
): Buffer;
export declare function uint32(...values: number[]): Buffer;
export declare function block(fields: readonly string[]): Buffer;
export declare function headers(id: number, fields: readonly string[] | Buffer, shape?: FrameShape): Buffer;
export declare function continuation(id: number, body: Uint8Array, endHeaders?: boolean): Buffer;
export declare function data(id: number, body: Uint8Array | number, shape?: FrameShape): Buffer;
export declare function settings(...pairs: number[]): Buffer;
export declare const settingsAck: Buffer;
export declare function rst(id: number, code: number): Buffer;
export declare function windowUpdate(id: number, increment: number): Buffer;
export declare function goAway(last: number, code: number): Buffer;
export declare function ping(text: string, ack?: boolean): Buffer;
export declare function priority(id: number, dependsOn: number): Buffer;

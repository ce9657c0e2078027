// SPDX-License-Identifier: Apache-2.0

/** An end of a connection, as bits. */
const client = 1;
const server = 2;
type Side = typeof client | typeof server;

const prefaceLength = 24;
const frameHeaderLength = 9;
// RFC 9113 §6
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const END_STREAM = 1;

/** The streams of one HTTP/2 connection, counted from the bytes that pass, whatever either end believes. */
export class OpenStreams {
  /** RST_STREAM that the client has sent, by code. */
  readonly clientResets: Map<number, number> = new Map();
  /** END_STREAM behind which the client has sent RST_STREAM: what a cancel must not look like. */
  endedBeforeReset = 0;
  private readonly sides = new Map<number, number>();
  private readonly readClient = frameReader(prefaceLength, (frame) => this.count(client, frame));
  private readonly readServer = frameReader(0, (frame) => this.count(server, frame));

  /** Streams that neither a reset nor the END_STREAM of both sides has closed. */
  get size(): number {
    return this.sides.size;
  }

  /** Bytes of the client pass. */
  fromClient(bytes: Buffer): void {
    this.readClient(bytes);
  }

  /** Bytes of the server pass. */
  fromServer(bytes: Buffer): void {
    this.readServer(bytes);
  }

  private count(side: Side, { type, id, flags, start }: Frame): void {
    if (type === RST_STREAM) {
      if (side === client) {
        const code = start.readUInt32BE(0);
        this.clientResets.set(code, (this.clientResets.get(code) ?? 0) + 1);
        if ((this.sides.get(id) ?? 0) === server) this.endedBeforeReset++;
      }
      this.sides.delete(id);
      return;
    }
    if (type !== HEADERS && type !== DATA) return;
    if (type === HEADERS && side === client && !this.sides.has(id)) this.sides.set(id, client | server);
    const open = this.sides.get(id);
    if (open === undefined || (flags & END_STREAM) === 0) return;
    if (open === side) this.sides.delete(id);
    else this.sides.set(id, open & ~side);
  }
}

interface Frame {
  readonly type: number;
  readonly id: number;
  readonly flags: number;
  /** The first bytes of the payload, as many as a RST_STREAM has; empty for others. */
  readonly start: Buffer;
}

/** Calls back with every frame, however the bytes are cut. */
function frameReader(skip: number, tell: (frame: Frame) => void): (bytes: Buffer) => void {
  let header = Buffer.alloc(0);
  let wanted = frameHeaderLength;
  return (bytes) => {
    let at = 0;
    for (;;) {
      const skipped = Math.min(skip, bytes.length - at);
      skip -= skipped;
      at += skipped;
      if (skip > 0) return;
      const taken = bytes.subarray(at, at + wanted - header.length);
      if (taken.length > 0) header = Buffer.concat([header, taken]);
      at += taken.length;
      if (header.length < wanted) return;
      const type = header.readUInt8(3);
      if (type === RST_STREAM && wanted === frameHeaderLength) {
        wanted += 4;
        continue;
      }
      const start = header.subarray(frameHeaderLength);
      tell({ type, id: header.readUInt32BE(5) & 0x7fff_ffff, flags: header.readUInt8(4), start });
      skip = header.readUIntBE(0, 3) - start.length;
      header = Buffer.alloc(0);
      wanted = frameHeaderLength;
    }
  };
}

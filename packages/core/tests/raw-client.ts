// SPDX-License-Identifier: Apache-2.0
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";

/** The answer to a raw call. */
export interface RawAnswer {
  readonly header: IncomingHttpHeaders;
  /** Trailers; empty for an answer without body. */
  readonly trailer: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Code of the RST_STREAM that ended it; 0 if none. */
  readonly resetCode: number;
}

/** An HTTP/2 client of Node's own: it sends what a test says, and cancels nothing. */
export class RawClient {
  private readonly session: ClientHttp2Session;

  constructor(port: number) {
    this.session = connect(`http://127.0.0.1:${port}`);
    this.session.on("error", () => {});
  }

  /** Sends a request with `body`, in one piece; `open`: without an end; the answer is read after `readAfter`. */
  call(
    path: string,
    headers: Record<string, string | undefined>,
    body: Uint8Array,
    open = false,
    readAfter?: PromiseLike<unknown>,
  ): Promise<RawAnswer> {
    const given = {
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc+proto",
      te: "trailers",
      ...headers,
    };
    const stream = this.session.request(
      Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    );
    let header: IncomingHttpHeaders = {};
    let trailer: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on("response", (h) => {
      header = h;
    });
    stream.on("trailers", (t) => {
      trailer = t;
    });
    const read = (): void => void stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    if (readAfter === undefined) read();
    else void readAfter.then(read);
    stream.on("error", () => {});
    if (open) stream.write(body);
    else stream.end(body);
    return new Promise((resolve) => {
      stream.on("end", () => {
        if (open) stream.end();
      });
      stream.on("close", () =>
        resolve({ header, trailer, body: Buffer.concat(chunks), resetCode: stream.rstCode }),
      );
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.session.close(() => resolve()));
  }
}

/** A message in its envelope. */
export function envelope(message: Uint8Array, flag = 0): Uint8Array {
  const out = new Uint8Array(5 + message.length);
  out[0] = flag;
  new DataView(out.buffer).setUint32(1, message.length);
  out.set(message, 5);
  return out;
}

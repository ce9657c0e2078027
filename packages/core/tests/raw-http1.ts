// SPDX-License-Identifier: Apache-2.0
import { type ClientRequest, type IncomingHttpHeaders, request } from "node:http";

/** The answer to a raw HTTP/1.1 request. */
export interface Http1Answer {
  readonly status: number;
  readonly header: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request that a test may still write to, or cut by `destroy()`. */
export interface Http1Call {
  readonly request: ClientRequest;
  readonly answer: Promise<Http1Answer>;
}

/**
 * Sends a POST of Node's own over HTTP/1.1, which cancels nothing; `open`: the body goes on after `body`; the answer is read
 * after `readAfter`.
 */
export function callHttp1(
  port: number,
  path: string,
  headers: Record<string, string>,
  body: Uint8Array,
  open = false,
  readAfter?: PromiseLike<unknown>,
): Http1Call {
  const sent = request({ host: "127.0.0.1", port, path, method: "POST", headers, agent: false });
  const answer = new Promise<Http1Answer>((resolve, reject) => {
    sent.on("error", reject);
    sent.once("response", (response) => {
      const chunks: Buffer[] = [];
      const read = (): void => void response.on("data", (chunk: Buffer) => chunks.push(chunk));
      if (readAfter === undefined) read();
      else void readAfter.then(read);
      response.once("error", reject);
      response.once("end", () => {
        resolve({ status: response.statusCode ?? 0, header: response.headers, body: Buffer.concat(chunks) });
        sent.destroy();
      });
    });
  });
  answer.catch(() => {});
  if (open) {
    sent.flushHeaders();
    if (body.length > 0) sent.write(body);
  } else sent.end(body);
  return { request: sent, answer };
}

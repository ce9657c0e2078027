// SPDX-License-Identifier: Apache-2.0
import type { ConnectError } from "@connectrpc/connect";
import type { HeaderList } from "../carrier/byte-stream.js";
import type { MessageFormat } from "../protocol/message-format.js";
import type { Fields } from "../protocol/metadata.js";

/**
 * How a protocol looks on a `ByteStream`, and all that the engine knows of it. A dialect reads and writes header fields and bodies. It
 * sends nothing, keeps nothing and knows no call, so one object serves all calls of a process. The two halves mirror each other: what
 * one side formats, the other side parses.
 */
export interface Dialect {
  /** The name that handlers see as `context.protocolName`. */
  readonly name: string;
  /**
   * `enveloped`: each message has a prefix with a flag and its length. `bare`: a body is one message. The head of a bare response leaves
   * with its message, since it says how the call has ended.
   */
  readonly framing: "enveloped" | "bare";
  /** The verb of its requests. */
  readonly verb: "GET" | "POST";
  /** The content types of its requests, for the answer to a request that has another one. */
  readonly contentTypes: readonly string[];
  /** The header that names the compression of messages. */
  readonly encodingHeader: string;
  /** The header that lists the compressions which its sender can read. */
  readonly acceptEncodingHeader: string;
  /** Header names that belong to this dialect, beside those of the protocol that all share: metadata can't have them. */
  readonly reserved: readonly string[];
  /** The name of what a response without an end lacks, for the error. */
  readonly endName: string;
  readonly server: ServerDialect;
  readonly client: ClientDialect;
}

/** The server's half: it parses requests, and formats responses. */
export interface ServerDialect {
  /** The meaning of a request's headers; null if the request is in another dialect. */
  parseRequest(list: HeaderList): ParsedRequest | null;
  /** The head of a plain response. `acceptEncoding` lists the server's compressions; empty for none. */
  formatHead(format: MessageFormat, acceptEncoding: string): Fields;
  /** The trailers of a call that went well, without trailers of its handler; null if its end is more than trailers. */
  readonly okTrailers: Fields | null;
  /** The end of a response: of a call that went well, or of one that failed. Throws for metadata that can't be sent. */
  formatEnd(end: ResponseEnd): FormattedEnd;
}

/** The client's half: it formats requests, and parses responses. */
export interface ClientDialect {
  /** The head of a request, without the metadata of its caller. */
  formatRequest(request: RequestToFormat): string[];
  /** The fields of a request with another deadline; null if that is the same. */
  withTimeout(fields: Fields, timeoutMs: number): Fields | null;
  /** The meaning of a response's headers; `end`: nothing follows them. `where` is the peer, for an error. */
  parseHead(list: HeaderList, end: boolean, asked: MessageFormat, where: string): ParsedHead;
  /** The outcome in trailers: null for a call that went well, undefined if they say nothing of it. */
  parseTrailers(list: HeaderList): ConnectError | null | undefined;
  /** The outcome of a response whose body ends without trailers, after `messages` whole messages; as {@link parseTrailers}. */
  outcomeAtEnd(head: HeaderList, messages: number): ConnectError | null | undefined;
  /** The error in the body of an error response; `fallback` if the body has no error. */
  parseError(body: Uint8Array, fallback: ConnectError): ConnectError;
}

/** A request's headers, as the server reads them. */
export interface ParsedRequest {
  readonly format: MessageFormat;
  /** The path of the method. */
  readonly path: string;
  readonly timeoutMs: number | undefined;
  /** The compression of the messages; `identity` for none. */
  readonly encoding: string;
  /** The compressions that the client can read. */
  readonly acceptEncoding: string | undefined;
  /** The error of a header that can't be read; null for none. */
  readonly fault: ConnectError | null;
}

/** A response that ends. */
export interface ResponseEnd {
  /** The head of a plain response, if the head has not left; else null. */
  readonly head: Fields | null;
  /** The handler's headers, if they have not left; else null. */
  readonly header: Headers | null;
  /** The handler's trailers. */
  readonly trailer: Headers | null;
  /** The error that the call ended with; null if it went well. */
  readonly error: ConnectError | null;
  /** The message of a bare response, compressed if `encoding` is set; null without one. */
  readonly body: Uint8Array | null;
  /** The compression of `body`; null for none. */
  readonly encoding: string | null;
  /** The error has metadata that can't be sent, for this reason, and goes without. */
  readonly leftOut: ((reason: ConnectError) => void) | null;
}

/** The end of a response, as it is sent. */
export interface FormattedEnd {
  /** The headers if the head has not left, else the trailers; null for none. */
  readonly fields: string[] | null;
  /** The bytes of the body; null for no body. */
  readonly body: Uint8Array | null;
}

/** A request whose headers the client formats. */
export interface RequestToFormat {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly format: MessageFormat;
  readonly timeoutMs: number | undefined;
  /** The value of `user-agent`; null if the caller's metadata has one. */
  readonly userAgent: string | null;
  /** The compression of the messages, of a bare request that of its message; null for none. */
  readonly encoding: string | null;
  /** The bytes of a bare body; null if its length shows only when it is compressed, and for enveloped messages. */
  readonly bodyLength: number | null;
  /** The compressions that the client can read; empty for none. */
  readonly acceptEncoding: string;
}

/** A response's headers, as the client reads them. */
export type ParsedHead =
  /** Messages follow, compressed as `encoding` says. `metadata`: where the head holds the trailers, too. */
  | { readonly kind: "messages"; readonly encoding: string | undefined; readonly metadata: Metadata | null }
  /** The body says more of the error. */
  | {
      readonly kind: "error";
      readonly error: ConnectError;
      readonly encoding: string | undefined;
      readonly metadata: Metadata | null;
    }
  /** The call is over: null if it went well, undefined if the headers don't say. */
  | {
      readonly kind: "ended";
      readonly outcome: ConnectError | null | undefined;
      readonly encoding: string | undefined;
    }
  /** The response is in another dialect, or in another format than asked for. */
  | { readonly kind: "refused"; readonly error: ConnectError };

/** The headers and the trailers of one head. */
export interface Metadata {
  readonly header: HeaderList;
  readonly trailer: HeaderList;
}

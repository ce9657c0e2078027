// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { ByteStream, HeaderBlock } from "../../carrier/byte-stream.js";
import { contentTypeOf } from "../../dialects/grpc/content-type.js";
import { appendStatus, okStatus } from "../../dialects/grpc/status.js";
import { CheckedHeaders } from "../../protocol/checked-headers.js";
import * as names from "../../protocol/headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { appendHeaders, checkListSize } from "../../protocol/metadata.js";
import type { WriteCompression } from "../message/message-writer.js";

/** The ready header blocks of a connection's responses. */
export interface ResponseHeads {
  /** The head of a plain response. */
  readonly responseHead: Readonly<Record<MessageFormat, HeaderBlock>>;
  readonly okTrailers: HeaderBlock;
}

/** The part of a request that decides how the response begins. */
export interface ResponseShape {
  readonly format: MessageFormat;
  /** The compression of messages; null: none, unless the handler chooses one before the headers leave. */
  readonly writeCompression: WriteCompression | null;
  /** The compression for a handler's choice; null: the client accepts none that the server has. */
  readonly offeredCompression: WriteCompression | null;
}

/**
 * The headers, trailers and status of a response: the lower half of a {@link ServerCall}, a base class so that a call has
 * one object less. `Headers` are made when a handler asks for them; a plain response is ready bytes.
 */
export abstract class ServerResponse {
  /** The part of the request that decides how the response begins. */
  abstract readonly head: ResponseShape;
  /** The connection's ready header blocks. */
  abstract readonly host: ResponseHeads;
  readonly stream: ByteStream;
  protected headersSent = false;
  private responseHeaders: Headers | null = null;
  private responseTrailers: Headers | null = null;

  constructor(stream: ByteStream) {
    this.stream = stream;
  }

  get responseHeader(): Headers {
    this.responseHeaders ??= new CheckedHeaders(undefined, Code.Internal);
    return this.responseHeaders;
  }

  get responseTrailer(): Headers {
    this.responseTrailers ??= new CheckedHeaders(undefined, Code.Internal);
    return this.responseTrailers;
  }

  /** The compression that the headers announce; null for none. */
  protected abstract get announcedCompression(): WriteCompression | null;

  /** Metadata of the error that the call ends with can't be sent, and is left out. */
  protected abstract metadataLeftOut(reason: ConnectError): void;

  /** Sends the headers, once. Throws for a header that can't be sent, and then none has left. */
  protected sendHead(): void {
    if (this.headersSent) return;
    const fields = this.headFields();
    this.headersSent = true;
    this.stream.sendHeaders(fields, false);
  }

  /** Forgets headers and trailers that can't be sent. */
  protected forgetMetadata(): void {
    this.responseHeaders = null;
    this.responseTrailers = null;
  }

  /** Sends the status, and what has to come before it. Throws for metadata that can't be sent. */
  protected sendStatus(error: ConnectError | null): void {
    const { stream } = this;
    if (error !== null) {
      this.sendError(error);
      return;
    }
    this.sendHead();
    if (this.responseTrailers === null) {
      stream.sendTrailers(this.host.okTrailers);
      return;
    }
    const fields: string[] = [];
    appendHeaders(fields, this.responseTrailers);
    fields.push(...okStatus);
    checkListSize("response trailers", fields, stream.maxHeaderListSize, Code.Internal);
    stream.sendTrailers(fields);
  }

  private sendError(error: ConnectError): void {
    const { stream } = this;
    this.sendHeadersOfError();
    // Without headers of the handler: Trailers-Only (grpc/grpc doc/PROTOCOL-HTTP2.md), head and status in one list.
    const head = this.headersSent ? [] : this.headFields();
    const fields = "fields" in head ? [...head.fields] : [...head];
    const headLength = fields.length;
    if (this.responseTrailers !== null) appendHeaders(fields, this.responseTrailers);
    appendStatus(fields, error, (reason) => this.metadataLeftOut(reason));
    try {
      checkListSize("headers, trailers and details", fields, stream.maxHeaderListSize, Code.Internal);
    } catch (reason) {
      // The error itself matters more.
      this.metadataLeftOut(reason as ConnectError);
      fields.length = headLength;
      appendStatus(fields, new ConnectError(error.rawMessage, error.code));
    }
    if (this.headersSent) stream.sendTrailers(fields);
    else {
      this.headersSent = true;
      stream.sendHeaders(fields, true);
    }
  }

  /**
   * Headers that the handler set before its error leave as headers: peers take the list of a Trailers-Only answer for trailers.
   * If these headers can't be sent, the error leaves without them.
   */
  private sendHeadersOfError(): void {
    if (this.headersSent || this.responseHeaders === null) return;
    try {
      if (this.responseHeaders.keys().next().done !== true) this.sendHead();
    } catch (reason) {
      this.metadataLeftOut(reason as ConnectError);
      this.responseHeaders = null;
    }
  }

  private headFields(): HeaderBlock | readonly string[] {
    const compression = this.announcedCompression;
    const prepared = this.host.responseHead[this.head.format];
    if (this.responseHeaders === null && compression === null) return prepared;
    const fields = [...prepared.fields];
    if (compression !== null) fields.push(names.grpcEncoding, compression.compression.name);
    if (this.responseHeaders !== null) appendHeaders(fields, this.responseHeaders);
    checkListSize("response headers", fields, this.stream.maxHeaderListSize, Code.Internal);
    return fields;
  }
}

/** The head of a plain response, as fields. */
export function responseHeadFields(format: MessageFormat, acceptEncoding: string): readonly string[] {
  const fields = [names.pseudoStatus, "200", names.contentType, contentTypeOf[format]];
  return acceptEncoding === "" ? fields : [...fields, names.grpcAcceptEncoding, acceptEncoding];
}

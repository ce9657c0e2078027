// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { ByteStream, HeaderBlock } from "../../carrier/byte-stream.js";
import type { Dialect, FormattedEnd } from "../../dialects/dialect.js";
import { checkReserved } from "../../protocol/check-field.js";
import { CheckedHeaders } from "../../protocol/checked-headers.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import { appendHeaders, checkListSize, type Fields } from "../../protocol/metadata.js";
import type { BareBody } from "../message/bare-body.js";
import type { WriteCompression } from "../message/message-writer.js";
import type { ResponseBlocks } from "./response-blocks.js";

/** The part of a request that decides how its response looks. */
export interface ResponseShape {
  readonly dialect: Dialect;
  readonly format: MessageFormat;
  /** The ready header blocks of the dialect, for the request's connection. */
  readonly blocks: ResponseBlocks;
}

/**
 * The headers, trailers and status of a response, which a `ServerCall` holds. `Headers` are made when a handler asks for them; a plain
 * response is ready bytes.
 */
export class ServerResponse {
  /** The head has left. */
  headSent = false;
  /** The message of a bare response, which leaves with its head. */
  body: BareBody | null = null;
  private readonly stream: ByteStream;
  private readonly shape: ResponseShape;
  private headers: Headers | null = null;
  private trailers: Headers | null = null;

  constructor(stream: ByteStream, shape: ResponseShape) {
    this.stream = stream;
    this.shape = shape;
  }

  get header(): Headers {
    this.headers ??= new CheckedHeaders(undefined, Code.Internal);
    return this.headers;
  }

  get trailer(): Headers {
    this.trailers ??= new CheckedHeaders(undefined, Code.Internal);
    return this.trailers;
  }

  /**
   * Sends the headers, once; those of a bare response wait for its end. `compression`: what they announce, null for none. Throws for a
   * header that can't be sent, and then none has left.
   */
  sendHead(compression: WriteCompression | null): void {
    if (this.headSent || this.shape.dialect.framing === "bare") return;
    const fields = this.headFields(compression);
    this.headSent = true;
    this.stream.sendHeaders(fields, false);
  }

  /** Forgets headers and trailers that can't be sent. */
  forgetMetadata(): void {
    this.headers = null;
    this.trailers = null;
  }

  /** Ends a call that went well: sends the status, and what has to come before it. Throws for metadata that can't be sent. */
  end(compression: WriteCompression | null): void {
    const { stream, trailers } = this;
    const { blocks } = this.shape;
    this.sendHead(compression);
    if (trailers === null && blocks.okTrailers !== null) {
      stream.sendTrailers(blocks.okTrailers);
      return;
    }
    const end = this.format(null, compression, this.headers, trailers, null);
    this.checkSize(this.headSent ? "response trailers" : "response headers and trailers", end.fields);
    this.send(end);
  }

  /**
   * Ends a call that failed. `leftOut` hears the reason why metadata of the error can't be sent. Throws for trailers of the handler
   * that can't be sent.
   */
  fail(
    error: ConnectError,
    compression: WriteCompression | null,
    leftOut: (reason: ConnectError) => void,
  ): void {
    this.sendHeadersOfError(compression, leftOut);
    let end = this.format(error, compression, this.headers, this.trailers, leftOut);
    try {
      this.checkSize("headers, trailers and details", end.fields);
    } catch (reason) {
      // The error itself matters more.
      leftOut(reason as ConnectError);
      end = this.format(new ConnectError(error.rawMessage, error.code), compression, null, null, null);
    }
    this.send(end);
  }

  private format(
    error: ConnectError | null,
    compression: WriteCompression | null,
    header: Headers | null,
    trailer: Headers | null,
    leftOut: ((reason: ConnectError) => void) | null,
  ): FormattedEnd {
    const { headSent, body } = this;
    const { dialect } = this.shape;
    if (header !== null && !headSent) checkReserved(header, dialect.reserved, Code.Internal);
    return dialect.server.formatEnd({
      head: headSent ? null : this.plainHead(dialect.framing === "bare" ? null : compression),
      header: headSent ? null : header,
      trailer,
      error,
      body: body === null ? null : body.bytes,
      encoding: body === null || body.compression === null ? null : body.compression.name,
      leftOut,
    });
  }

  private send({ fields, body }: FormattedEnd): void {
    const { stream, headSent } = this;
    this.headSent = true;
    const follows = body !== null && body.length > 0;
    if (fields !== null && !headSent) stream.sendHeaders(fields, !follows);
    else if (fields !== null) stream.sendTrailers(fields);
    if (follows) stream.write(body, true);
  }

  private checkSize(what: string, fields: Fields | null): void {
    if (fields !== null) checkListSize(what, fields, this.stream.maxHeaderListSize, Code.Internal);
  }

  /**
   * Headers that the handler set before its error leave as headers: peers take the list of a Trailers-Only answer for trailers.
   * If these headers can't be sent, the error leaves without them.
   */
  private sendHeadersOfError(
    compression: WriteCompression | null,
    leftOut: (reason: ConnectError) => void,
  ): void {
    if (this.headSent || this.headers === null) return;
    try {
      if (this.headers.keys().next().done !== true) this.sendHead(compression);
    } catch (reason) {
      leftOut(reason as ConnectError);
      this.headers = null;
    }
  }

  private headFields(compression: WriteCompression | null): HeaderBlock | Fields {
    const { headers } = this;
    if (headers === null && compression === null) return this.shape.blocks.head[this.shape.format];
    const fields = [...this.plainHead(compression)];
    if (headers !== null) {
      checkReserved(headers, this.shape.dialect.reserved, Code.Internal);
      appendHeaders(fields, headers);
    }
    this.checkSize("response headers", fields);
    return fields;
  }

  /** The head without the handler's headers. */
  private plainHead(compression: WriteCompression | null): Fields {
    const { blocks, dialect, format } = this.shape;
    const { fields } = blocks.head[format];
    return compression === null ? fields : [...fields, dialect.encodingHeader, compression.compression.name];
  }
}

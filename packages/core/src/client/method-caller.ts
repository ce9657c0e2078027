// SPDX-License-Identifier: Apache-2.0
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { OutgoingFields, PreparedHeaders } from "../engine/byte-stream.js";
import { ClientCall, type ClientCallListener, type ClientMethod } from "../engine/client-call.js";
import { LazyHeaders } from "../engine/lazy-headers.js";
import type { Link } from "../engine/link.js";
import { errorFromThrown } from "../engine/thrown.js";
import { contentTypeOf, type Subtype } from "../protocol/content-type.js";
import * as names from "../protocol/headers.js";
import { appendField, appendHeaders, checkListSize } from "../protocol/metadata.js";
import { formatPath } from "../protocol/path.js";
import { quote } from "../protocol/quote.js";
import { selectorFields } from "../protocol/selector.js";
import { formatTimeout } from "../protocol/timeout.js";
import { userAgentValue } from "../protocol/user-agent.js";
import {
  type AnyRequest,
  type AnyResponse,
  faultOf,
  isOriginal,
  requestedHeaders,
  scopeOf,
} from "./call-request.js";
import { CallScope } from "./call-scope.js";
import type { MethodSettings } from "./engine-transport.js";
import { HandleSource, sentTwice } from "./handle-source.js";
import { RequestSource } from "./request-source.js";
import { type EndedBySignal, SharedSignal } from "./shared-signal.js";

/** Puts calls of one method on streams: the innermost `next` of a transport. */
export class MethodCaller {
  private readonly method: ClientMethod;
  private readonly desc: DescMethod;
  private readonly settings: MethodSettings;
  private readonly subtype: Subtype;
  private readonly connect: () => Link | Promise<Link>;
  private readonly path: string;
  // The last link's constant headers, ready to be sent; one connection per address makes that enough.
  private preparedLink: Link | null = null;
  private preparedTimeout: number | undefined;
  private prepared: PreparedHeaders | null = null;
  private urlLink: Link | null = null;
  private knownUrl = "";

  constructor(
    method: ClientMethod,
    desc: DescMethod,
    settings: MethodSettings,
    subtype: Subtype,
    connect: () => Link | Promise<Link>,
  ) {
    this.method = method;
    this.desc = desc;
    this.settings = settings;
    this.subtype = subtype;
    this.connect = connect;
    this.path = formatPath(settings.serviceName, desc.name);
    if (/^[!-~]+$/.test(this.path)) return;
    throw new ConnectError(
      `interface ${quote(settings.serviceName)} can't be in a path: use visible ASCII without spaces`,
      Code.InvalidArgument,
    );
  }

  /** The URL of the method, as far as it is known. */
  get url(): string {
    if (this.urlLink !== this.preparedLink || this.knownUrl === "") {
      const link = this.preparedLink;
      this.urlLink = link;
      this.knownUrl =
        link === null ? `http://localhost${this.path}` : `${scheme(link)}://${authority(link)}${this.path}`;
    }
    return this.knownUrl;
  }

  /** Makes the call that a request describes. */
  readonly call = (req: AnyRequest): Promise<AnyResponse> => {
    const fault = faultOf(req, this.method.name);
    if (fault !== null) return Promise.reject(fault);
    const scope = scopeOf(req);
    if (scope !== undefined) return this.exchange(req, scope).begin();
    // An interceptor has made it itself: it is a call of its own, which nobody else ends.
    const own = new CallScope(this.method.name, undefined, req.signal);
    const response = this.exchange(req, own).begin();
    response.then(
      (res) => {
        if (!res.stream) own.finish(null);
      },
      (error) => own.finish(errorFromThrown(error)),
    );
    return response;
  };

  private exchange(req: AnyRequest, scope: CallScope): Exchange {
    return this.desc.methodKind === "unary"
      ? new UnaryExchange(this, req, scope)
      : new StreamExchange(this, req, scope);
  }

  /** A link, at once when one is open. Throws, or rejects, with the reason why there is none. */
  link(): Link | Promise<Link> {
    return this.connect();
  }

  /** Opens the stream of a request on a link. */
  open(link: Link, req: AnyRequest, scope: CallScope, listener: ClientCallListener): ClientCall {
    const exchange = new ClientCall(link, this.method, this.headers(link, req, scope), listener);
    scope.carriedBy(exchange);
    return exchange;
  }

  /** A response as interceptors see it. */
  response(exchange: ClientCall, message: unknown): AnyResponse {
    return new CallResponse(exchange, this.desc, message) as unknown as AnyResponse;
  }

  private headers(link: Link, req: AnyRequest, scope: CallScope): OutgoingFields {
    const asked = requestedHeaders(req);
    if (asked !== null) {
      const fields = this.baseFields(link, scope.timeoutMs, asked.has(names.userAgent));
      appendHeaders(fields, LazyHeaders.real(asked));
      this.checkSize(link, fields);
      return fields;
    }
    if (this.preparedLink !== link || this.preparedTimeout !== scope.timeoutMs || this.prepared === null) {
      const fields = this.baseFields(link, scope.timeoutMs, this.settings.headers.includes(names.userAgent));
      for (const [name, value] of selectorFields(this.settings)) appendField(fields, name, value);
      fields.push(...this.settings.headers);
      this.checkSize(link, fields);
      this.prepared = link.prepare(fields);
      this.preparedLink = link;
      this.preparedTimeout = scope.timeoutMs;
    }
    return this.prepared;
  }

  private checkSize(link: Link, fields: readonly string[]): void {
    checkListSize(`headers of ${this.method.name}`, fields, link.maxHeaderListSize, Code.ResourceExhausted);
  }

  /** `named`: the user says who calls. */
  private baseFields(link: Link, timeoutMs: number | undefined, named: boolean): string[] {
    const { method, subtype, path } = this;
    const fields = [names.pseudoMethod, "POST", names.pseudoScheme, scheme(link), names.pseudoPath, path];
    fields.push(
      names.pseudoAuthority,
      authority(link),
      names.contentType,
      contentTypeOf[subtype],
      names.te,
      "trailers",
    );
    if (!named) fields.push(names.userAgent, userAgentValue);
    if (timeoutMs !== undefined) fields.push(names.grpcTimeout, formatTimeout(timeoutMs));
    if (method.writeCompression !== null)
      fields.push(names.grpcEncoding, method.writeCompression.compression.name);
    if (method.acceptCompression.length > 0) {
      fields.push(names.grpcAcceptEncoding, method.acceptCompression.map((c) => c.name).join(","));
    }
    return fields;
  }
}

/** The response that interceptors get. */
class CallResponse {
  readonly stream: boolean;
  readonly method: DescMethod;
  readonly service: DescService;
  readonly message: unknown;
  readonly header: Headers;
  readonly trailer: Headers;

  constructor(exchange: ClientCall, method: DescMethod, message: unknown) {
    this.stream = method.methodKind !== "unary";
    this.method = method;
    this.service = method.parent;
    this.message = message;
    this.header = new LazyHeaders(exchange, "header");
    this.trailer = new LazyHeaders(exchange, "trailer");
  }
}

/** How often a call is made again that never left: each time its connection was lost before it could. */
const mostResends = 10;

/**
 * What both kinds of exchange share: a call on one stream, or on another one after the first was refused in a way that shows
 * that nobody has seen it (gRPC's transparent retry).
 */
abstract class Exchange implements ClientCallListener, EndedBySignal {
  protected readonly caller: MethodCaller;
  protected readonly req: AnyRequest;
  protected readonly scope: CallScope;
  protected call: ClientCall | null = null;
  protected resolve: ((res: AnyResponse) => void) | null = null;
  protected reject: ((error: unknown) => void) | null = null;
  private ownSignal: SharedSignal | null = null;
  private resends = 0;

  constructor(caller: MethodCaller, req: AnyRequest, scope: CallScope) {
    this.caller = caller;
    this.req = req;
    this.scope = scope;
  }

  /** The promise that `next` returns. */
  begin(): Promise<AnyResponse> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      try {
        this.take();
        const link = this.caller.link();
        if ("open" in link) this.opened(link);
        else link.then((opened) => this.opened(opened)).catch((error) => this.failed(error));
      } catch (error) {
        this.failed(error);
      }
    });
  }

  explain(error: ConnectError): ConnectError {
    return this.scope.explain(error);
  }

  ended(error: ConnectError | null): void {
    const { call } = this;
    if (call === null) return;
    this.unwatchSignal();
    if (error === null || !this.sentAgain(call, error)) this.settled(call, error);
  }

  /** The call has ended, for good. */
  protected abstract settled(call: ClientCall, error: ConnectError | null): void;

  /** Whether the request can be sent once more. */
  protected abstract replayable(call: ClientCall): boolean;

  protected abstract send(call: ClientCall): void;

  /** Before anything is sent: throws if the messages are being sent by another attempt. */
  protected take(): void {}

  /** The attempt has ended: its messages are free for another one. */
  protected release(): void {}

  /** Throws what the headers can't say. */
  private opened(link: Link): void {
    if (this.scope.over) throw this.scope.error ?? new ConnectError("the call has ended", Code.Canceled);
    this.call = this.caller.open(link, this.req, this.scope, this);
    if (this.call.over) {
      // The link was over: `ended` was called inside the constructor, when nobody had the call yet.
      this.ended(this.call.error);
      return;
    }
    if (!isOriginal(this.req)) this.watchSignal();
    this.send(this.call);
  }

  /** Makes a call again that nobody can have seen; false when it was seen, or has been made again often enough. */
  private sentAgain(call: ClientCall, error: ConnectError): boolean {
    const { refused } = call;
    if (refused === null || this.scope.over || this.reject === null || !this.replayable(call)) return false;
    if (this.resends >= (refused === "unprocessed" ? 1 : mostResends)) return false;
    this.resends++;
    this.call = null;
    const again = async (): Promise<void> => {
      const link = await this.caller.link();
      // A link that can't be replaced would refuse for ever.
      if (!link.usable) throw error;
      this.opened(link);
    };
    again().catch((error) => this.failed(error));
    return true;
  }

  private failed(error: unknown): void {
    this.release();
    this.reject?.(error);
  }

  /** An interceptor may put a signal of its own in the request's place: it cancels this attempt. */
  private watchSignal(): void {
    const { signal } = this.req;
    if (signal === this.scope.signal) return;
    if (signal.aborted) this.signalFired(signal);
    else {
      this.ownSignal = SharedSignal.of(signal);
      this.ownSignal.add(this);
    }
  }

  /** @inheritdoc */
  signalFired(signal: AbortSignal): void {
    this.call?.cancel(errorFromThrown(signal.reason, Code.Canceled));
  }

  private unwatchSignal(): void {
    this.ownSignal?.delete(this);
    this.ownSignal = null;
  }
}

class UnaryExchange extends Exchange {
  protected settled(call: ClientCall, error: ConnectError | null): void {
    if (error !== null) this.reject?.(error);
    else this.resolve?.(this.caller.response(call, call.reader.shift()));
  }

  protected replayable(): boolean {
    return true;
  }

  protected send(call: ClientCall): void {
    call.sendOnly(this.req.message);
  }
}

class StreamExchange extends Exchange {
  protected override take(): void {
    const message: unknown = this.req.message;
    if (!(message instanceof HandleSource || message instanceof RequestSource)) return;
    if (message.sentBy !== null && message.sentOnce) throw sentTwice(this.scope.name);
    message.sentBy = this;
  }

  protected override release(): void {
    const message: unknown = this.req.message;
    if (!(message instanceof HandleSource || message instanceof RequestSource)) return;
    if (message.sentBy === this) message.sentBy = null;
  }

  responded(): void {
    const { call } = this;
    if (call === null) return;
    this.resolve?.(this.caller.response(call, call.reader));
    this.resolve = null;
  }

  protected settled(_call: ClientCall, error: ConnectError | null): void {
    this.release();
    // Before the response began, an interceptor may still try again; afterwards this attempt is the call.
    if (this.resolve !== null && error !== null) this.reject?.(error);
    else this.scope.finish(error);
    this.responded();
  }

  protected replayable(call: ClientCall): boolean {
    const message: unknown = this.req.message;
    if (this.resolve === null) return false;
    if (message instanceof HandleSource) return call.writer.sent === 0;
    // An iterator that was asked can't be asked from its beginning; an array can.
    return message instanceof RequestSource && Array.isArray(message.given);
  }

  protected send(call: ClientCall): void {
    const message: unknown = this.req.message;
    if (message instanceof HandleSource && message.attach(call)) return;
    call.sendAll(message instanceof RequestSource ? message.given : (message as AsyncIterable<unknown>));
  }
}

function scheme(link: Link): string {
  return link.peer.transport === "tls" ? "https" : "http";
}

/** What `:authority` says. A path or a name is no authority. */
function authority(link: Link): string {
  const { address, transport } = link.peer;
  return transport === "tcp" || transport === "tls" ? address : "localhost";
}

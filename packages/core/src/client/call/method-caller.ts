// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderBlock, OutgoingHeaders } from "../../carrier/byte-stream.js";
import type { Connection } from "../../carrier/connection.js";
import type { ClientMethod } from "../../engine/call/client-call.js";
import type { DeadlineWheel } from "../../engine/call/deadline.js";
import { LazyHeaders } from "../../engine/call/lazy-headers.js";
import type { BareBody } from "../../engine/message/bare-body.js";
import { errorFromThrown } from "../../log/thrown.js";
import { checkReserved } from "../../protocol/check-field.js";
import { CheckedHeaders } from "../../protocol/checked-headers.js";
import * as names from "../../protocol/headers.js";
import { appendField, appendHeaders, checkListSize } from "../../protocol/metadata.js";
import { formatPath } from "../../protocol/path.js";
import { quote } from "../../protocol/quote.js";
import { selectorFields, withSelector } from "../../protocol/selector.js";
import { userAgentValue } from "../../protocol/user-agent.js";
import type { ConnectionProvider } from "../transport/connection-provider.js";
import type { MethodSettings } from "../transport/engine-transport.js";
import { Attempt } from "./attempt.js";
import { AttemptFacts } from "./attempt-facts.js";
import { Call, type CallMethod } from "./call.js";
import { type AnyRequest, type AnyResponse, callOf, faultOf, requestedHeaders } from "./call-request.js";

/** A method on one connection. */
interface OnConnection {
  readonly scheme: string;
  readonly authority: string;
  readonly url: string;
  /** The constant headers of the method's calls with one timeout, ready to be sent. */
  block: HeaderBlock | null;
  timeoutMs: number | undefined;
}

/** Puts calls of one method on connections: the innermost `next` of a transport. */
export class MethodCaller implements CallMethod {
  readonly method: ClientMethod;
  readonly desc: DescMethod;
  readonly deadlines: DeadlineWheel;
  /** One message each way. */
  readonly unary: boolean;
  private readonly settings: MethodSettings;
  private readonly provider: Pick<ConnectionProvider, "pick">;
  private readonly path: string;
  private readonly acceptEncoding: string;
  /** The error of each call of a method whose kind the dialect does not carry; null if it does. */
  private readonly unsupported: ConnectError | null;
  /** The headers prepared for each connection; the map does not keep a connection. */
  private readonly onConnections = new WeakMap<Connection, OnConnection>();
  /** The URL of the method, as far as it is known: that on the connection of the latest attempt. */
  url: string;

  constructor(
    method: ClientMethod,
    desc: DescMethod,
    settings: MethodSettings,
    deadlines: DeadlineWheel,
    provider: Pick<ConnectionProvider, "pick">,
  ) {
    this.method = method;
    this.desc = desc;
    this.deadlines = deadlines;
    this.unary = desc.methodKind === "unary";
    this.settings = settings;
    this.provider = provider;
    this.path = formatPath(settings.serviceName, desc.name);
    this.url = `http://localhost${this.path}`;
    this.acceptEncoding = method.acceptCompression.map((c) => c.name).join(",");
    const streams = method.dialect.framing === "bare" && desc.methodKind !== "unary";
    this.unsupported = streams ? streamRefused(method) : null;
    if (/^[!-~]+$/.test(this.path)) return;
    throw new ConnectError(
      `interface ${quote(settings.serviceName)} can't be in a path: use visible ASCII without spaces`,
      Code.InvalidArgument,
    );
  }

  /** @inheritdoc */
  get name(): string {
    return this.method.name;
  }

  /** @inheritdoc */
  makeHeaders(ofCall: HeadersInit | undefined): Headers {
    return withSelector(new CheckedHeaders(ofCall), this.settings);
  }

  /** Makes an attempt of the call that a request describes. */
  readonly call = (req: AnyRequest): Promise<AnyResponse> => {
    const fault = faultOf(req, this.name) ?? this.unsupported;
    if (fault !== null) return Promise.reject(fault);
    const call = callOf(req);
    if (call !== undefined) return new Attempt(this, req, call).begin();
    return new OwnCall(this, undefined).start(this, req);
  };

  /** The connection for an attempt; a promise if no connection is open. Throws or rejects with the reason why none can be had. */
  pick(attempt: Attempt): Connection | Promise<Connection> {
    return this.provider.pick(new AttemptFacts(attempt, this.settings));
  }

  /** The headers of an attempt on a connection. `body`: the message of a bare request. Throws for what headers can't say. */
  headers(connection: Connection, { req, call }: Attempt, body: BareBody | null): OutgoingHeaders {
    const asked = requestedHeaders(req);
    const timeoutMs = call.timeLeft();
    const on = this.onConnections.get(connection) ?? this.meet(connection);
    this.url = on.url;
    if (asked !== null) {
      const fields = this.baseFields(on, timeoutMs, asked.has(names.userAgent), body);
      checkReserved(asked, this.method.dialect.reserved, Code.InvalidArgument);
      appendHeaders(fields, LazyHeaders.real(asked));
      this.checkSize(connection, fields);
      return fields;
    }
    if (on.block === null || on.timeoutMs !== timeoutMs) {
      const named = this.settings.headers.includes(names.userAgent);
      const fields = this.baseFields(on, timeoutMs, named, body);
      for (const [name, value] of selectorFields(this.settings)) appendField(fields, name, value);
      fields.push(...this.settings.headers);
      this.checkSize(connection, fields);
      // Some of the call's time is over: the next one will hardly have the same left.
      if (timeoutMs !== call.timeoutMs) return fields;
      // The head of a bare request says how long its message is.
      if (body !== null) return fields;
      on.block = connection.prepare(fields);
      on.timeoutMs = timeoutMs;
    }
    return on.block;
  }

  private meet(connection: Connection): OnConnection {
    const [scheme, authority] = [schemeOf(connection), authorityOf(connection)];
    const url = `${scheme}://${authority}${this.path}`;
    const on: OnConnection = { scheme, authority, url, block: null, timeoutMs: undefined };
    this.onConnections.set(connection, on);
    return on;
  }

  private checkSize(connection: Connection, fields: readonly string[]): void {
    checkListSize(
      `headers of ${this.method.name}`,
      fields,
      connection.maxHeaderListSize,
      Code.ResourceExhausted,
    );
  }

  /** `named`: the user says who calls. */
  private baseFields(
    on: OnConnection,
    timeoutMs: number | undefined,
    named: boolean,
    body: BareBody | null,
  ): string[] {
    const { dialect, format, writeCompression } = this.method;
    const compression = body === null ? writeCompression?.compression : body.compression;
    return dialect.client.formatRequest({
      scheme: on.scheme,
      authority: on.authority,
      path: this.path,
      format,
      timeoutMs,
      userAgent: named ? null : userAgentValue,
      encoding: compression?.name ?? null,
      bodyLength: body === null || body.compression !== null ? null : body.bytes.length,
      acceptEncoding: this.acceptEncoding,
    });
  }
}

/** The call of a request that an interceptor made itself. It ends with its response. */
class OwnCall extends Call {
  start(caller: MethodCaller, req: AnyRequest): Promise<AnyResponse> {
    this.arm(req.signal, null);
    const response = new Attempt(caller, req, this).begin();
    response.then(
      (res) => {
        if (!res.stream) this.finish(null);
      },
      (error) => this.finish(errorFromThrown(error)),
    );
    return response;
  }

  protected override ended(): void {}
}

function streamRefused({ name, dialect }: ClientMethod): ConnectError {
  return new ConnectError(
    `${name} has streams, which ${dialect.contentTypes.join(" and ")} don't carry: use another protocol for it`,
    Code.Unimplemented,
  );
}

function schemeOf(connection: Connection): string {
  return connection.peer.transport === "tls" ? "https" : "http";
}

/** The value of `:authority`. A path or a name is not an authority. */
function authorityOf(connection: Connection): string {
  const { address, transport } = connection.peer;
  if (transport !== "tcp" && transport !== "tls") return "localhost";
  // A zone (`[fe80::1%eth0]:80`) means something on this machine alone (RFC 9110 §4.2.2 has none).
  return address.includes("%") ? address.replace(/%[^\]]*/, "") : address;
}

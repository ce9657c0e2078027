// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HeaderBlock, OutgoingHeaders } from "../../carrier/byte-stream.js";
import type { Connection } from "../../carrier/connection.js";
import { ClientCall, type ClientCallListener, type ClientMethod } from "../../engine/call/client-call.js";
import { LazyHeaders } from "../../engine/call/lazy-headers.js";
import { errorFromThrown } from "../../log/thrown.js";
import * as names from "../../protocol/headers.js";
import { appendField, appendHeaders, checkListSize } from "../../protocol/metadata.js";
import { formatPath } from "../../protocol/path.js";
import { quote } from "../../protocol/quote.js";
import { selectorFields } from "../../protocol/selector.js";
import { userAgentValue } from "../../protocol/user-agent.js";
import {
  type AnyRequest,
  type AnyResponse,
  faultOf,
  requestedHeaders,
  scopeOf,
} from "../api/call-request.js";
import { CallResponse } from "../api/call-response.js";
import type { MethodSettings } from "../transport/engine-transport.js";
import { type Attempt, StreamAttempt, type StreamOpener, UnaryAttempt } from "./attempt.js";
import { CallScope } from "./call-scope.js";

/** Puts calls of one method on streams: the innermost `next` of a transport. */
export class MethodCaller implements StreamOpener {
  private readonly method: ClientMethod;
  private readonly desc: DescMethod;
  private readonly settings: MethodSettings;
  private readonly connect: (call: CallScope) => Connection | Promise<Connection>;
  private readonly path: string;
  private readonly acceptEncoding: string;
  // The last connection's constant headers, ready to be sent; one connection per address makes that enough.
  private preparedConnection: Connection | null = null;
  private preparedTimeout: number | undefined;
  private prepared: HeaderBlock | null = null;
  private lastConnection: Connection | null = null;
  private urlConnection: Connection | null = null;
  private knownUrl = "";

  constructor(
    method: ClientMethod,
    desc: DescMethod,
    settings: MethodSettings,
    connect: (call: CallScope) => Connection | Promise<Connection>,
  ) {
    this.method = method;
    this.desc = desc;
    this.settings = settings;
    this.connect = connect;
    this.path = formatPath(settings.serviceName, desc.name);
    this.acceptEncoding = method.acceptCompression.map((c) => c.name).join(",");
    if (/^[!-~]+$/.test(this.path)) return;
    throw new ConnectError(
      `interface ${quote(settings.serviceName)} can't be in a path: use visible ASCII without spaces`,
      Code.InvalidArgument,
    );
  }

  /** The URL of the method, as far as it is known. */
  get url(): string {
    if (this.urlConnection !== this.lastConnection || this.knownUrl === "") {
      const connection = this.lastConnection;
      this.urlConnection = connection;
      this.knownUrl =
        connection === null
          ? `http://localhost${this.path}`
          : `${scheme(connection)}://${authority(connection)}${this.path}`;
    }
    return this.knownUrl;
  }

  /** Makes the call that a request describes. */
  readonly call = (req: AnyRequest): Promise<AnyResponse> => {
    const fault = faultOf(req, this.method.name);
    if (fault !== null) return Promise.reject(fault);
    const scope = scopeOf(req);
    if (scope !== undefined) return this.attempt(req, scope).begin();
    // An interceptor made the request itself: a call of its own, which ends here.
    const own = new CallScope(this.method.name, undefined, req.signal);
    const response = this.attempt(req, own).begin();
    response.then(
      (res) => {
        if (!res.stream) own.finish(null);
      },
      (error) => own.finish(errorFromThrown(error)),
    );
    return response;
  };

  private attempt(req: AnyRequest, scope: CallScope): Attempt {
    return this.desc.methodKind === "unary"
      ? new UnaryAttempt(this, req, scope)
      : new StreamAttempt(this, req, scope);
  }

  /** @inheritdoc */
  connection(scope: CallScope): Connection | Promise<Connection> {
    return this.connect(scope);
  }

  /** @inheritdoc */
  open(connection: Connection, req: AnyRequest, scope: CallScope, listener: ClientCallListener): ClientCall {
    const call = new ClientCall(connection, this.method, this.headers(connection, req, scope), listener);
    call.writer.compress = scope.compress;
    scope.carriedBy(call);
    return call;
  }

  /** @inheritdoc */
  response(call: ClientCall, message: unknown): AnyResponse {
    return new CallResponse(call, this.desc, message) as unknown as AnyResponse;
  }

  private headers(connection: Connection, req: AnyRequest, scope: CallScope): OutgoingHeaders {
    const asked = requestedHeaders(req);
    const timeoutMs = scope.timeLeft();
    this.lastConnection = connection;
    if (asked !== null) {
      const fields = this.baseFields(connection, timeoutMs, asked.has(names.userAgent));
      appendHeaders(fields, LazyHeaders.real(asked));
      this.checkSize(connection, fields);
      return fields;
    }
    if (
      this.preparedConnection !== connection ||
      this.preparedTimeout !== timeoutMs ||
      this.prepared === null
    ) {
      const fields = this.baseFields(connection, timeoutMs, this.settings.headers.includes(names.userAgent));
      for (const [name, value] of selectorFields(this.settings)) appendField(fields, name, value);
      fields.push(...this.settings.headers);
      this.checkSize(connection, fields);
      // Some of the call's time is over: the next one will hardly have the same left.
      if (timeoutMs !== scope.timeoutMs) return fields;
      this.prepared = connection.prepare(fields);
      this.preparedConnection = connection;
      this.preparedTimeout = timeoutMs;
    }
    return this.prepared;
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
  private baseFields(connection: Connection, timeoutMs: number | undefined, named: boolean): string[] {
    const { dialect, format, writeCompression } = this.method;
    return dialect.client.formatRequest({
      scheme: scheme(connection),
      authority: authority(connection),
      path: this.path,
      format,
      timeoutMs,
      userAgent: named ? null : userAgentValue,
      encoding: writeCompression === null ? null : writeCompression.compression.name,
      acceptEncoding: this.acceptEncoding,
    });
  }
}

function scheme(connection: Connection): string {
  return connection.peer.transport === "tls" ? "https" : "http";
}

/** The value of `:authority`. A path or a name is not an authority. */
function authority(connection: Connection): string {
  const { address, transport } = connection.peer;
  if (transport !== "tcp" && transport !== "tls") return "localhost";
  // A zone (`[fe80::1%eth0]:80`) means something on this machine alone (RFC 9110 §4.2.2 has none).
  return address.includes("%") ? address.replace(/%[^\]]*/, "") : address;
}

// SPDX-License-Identifier: Apache-2.0
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, type HandlerContext } from "@connectrpc/connect";
import type { Peer } from "../../carrier/connection.js";
import { LazyContextValues } from "../../engine/call/lazy-context-values.js";
import type { ServerCall } from "../../engine/call/server-call.js";
import { inspect, inspectLine } from "../../log/inspect.js";
import type { Selector } from "../../protocol/selector.js";
import type { Registration } from "../routing/registration.js";
import { relayedSignal } from "./relayed-signal.js";
import type { TripleContext } from "./triple-context.js";

/** The server, as a context sees it. */
export interface ContextHost {
  readonly shutdownSignal: AbortSignal;
}

/**
 * The context of a call that the engine serves. Nothing in it is made before a handler asks: a call whose handler reads
 * only its message pays for one small object. (An `AbortController` alone would be a third of a unary call's time.)
 */
export class CallContext implements TripleContext {
  private readonly call: ServerCall;
  private readonly registration: Registration;
  private readonly host: ContextHost;
  private contextValues: ContextValues | null = null;

  constructor(call: ServerCall, registration: Registration, host: ContextHost) {
    this.call = call;
    this.registration = registration;
    this.host = host;
  }

  /** One line for `console.log`: the method, and the client. */
  [inspect](): string {
    return contextLine(this);
  }

  get protocolName(): string {
    return this.call.head.dialect.name;
  }

  get requestMethod(): string {
    return this.call.head.dialect.verb;
  }

  get method(): DescMethod {
    return this.registration.desc;
  }

  get service(): DescService {
    return this.registration.desc.parent;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get timeoutMs(): () => number | undefined {
    return () => this.call.timeLeft;
  }

  get requestHeader(): Headers {
    return this.call.requestHeader;
  }

  get responseHeader(): Headers {
    return this.call.response.header;
  }

  get responseTrailer(): Headers {
    return this.call.response.trailer;
  }

  get values(): ContextValues {
    this.contextValues ??= new LazyContextValues();
    return this.contextValues;
  }

  get url(): string {
    return this.call.head.url;
  }

  get group(): string {
    return this.registration.selector.group;
  }

  get version(): string {
    return this.registration.selector.version;
  }

  get peer(): Peer {
    return this.call.host.peer;
  }

  get sendHeaders(): () => void {
    return () => this.call.sendHeaders();
  }

  get shutdownSignal(): AbortSignal {
    return this.host.shutdownSignal;
  }

  get requestCompressed(): boolean | undefined {
    return this.call.reader.compressed;
  }

  get compress(): boolean | undefined {
    return this.call.compress;
  }

  set compress(chosen: boolean | undefined) {
    if (chosen === true && this.registration.options.acceptCompression.length === 0) {
      throw new ConnectError(
        `a response of ${this.call.method.name} can't be compressed: the server has no compression, set acceptCompression`,
        Code.Internal,
      );
    }
    this.call.compress = chosen;
  }
}

/** A context with what an interceptor put in place of the request's own. */
export function contextWith(
  context: TripleContext,
  changed: Pick<TripleContext, "requestHeader" | "signal" | "values">,
): TripleContext {
  const own = (value: unknown): PropertyDescriptor => ({ value, enumerable: true });
  return Object.create(context, {
    requestHeader: own(changed.requestHeader),
    signal: own(changed.signal),
    values: own(changed.values),
  }) as TripleContext;
}

/**
 * The context of Connect's own handlers with the members of Triple, for routes that are served outside the engine. The caller,
 * early headers and the compression of single messages are not available there. `compresses`: responses are compressed. The signal
 * is made when the handler first reads it, and keeps the async context of that moment.
 */
export function contextOfConnect(
  context: HandlerContext,
  selector: Selector,
  host: ContextHost,
  compresses: boolean,
): TripleContext {
  let signal: AbortSignal | null = null;
  const own: TripleContext & { [inspect](): string } = {
    ...context,
    get signal() {
      signal ??= relayedSignal(context.signal);
      return signal;
    },
    group: selector.group,
    version: selector.version,
    peer: { address: "unknown", transport: "tcp" },
    sendHeaders: () => {},
    shutdownSignal: host.shutdownSignal,
    [inspect]() {
      return contextLine(this);
    },
    requestCompressed: undefined,
    get compress() {
      return compresses ? undefined : false;
    },
    set compress(chosen) {
      if (chosen === undefined || (chosen === false && !compresses)) return;
      throw new ConnectError(
        `context.compress of ${context.method.parent.typeName}/${context.method.name} can't be ${chosen} under an adapter of Connect's: there, compressResponses and compressMinBytes decide`,
        Code.Internal,
      );
    },
  };
  return own;
}

function contextLine({ method, peer, group, version }: TripleContext): string {
  return inspectLine(
    "Context",
    `${method.parent.typeName}/${method.name}`,
    `called by ${peer.address}`,
    group === "" ? "" : `group ${group}`,
    version === "" ? "" : `version ${version}`,
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandler } from "../../connect-private.js";
import type { ServerMethod } from "../../engine/call/request-head.js";
import type { ServerCall } from "../../engine/call/server-call.js";
import { messageCodec } from "../../engine/message/message-codec.js";
import { defaultLogger, type Logger } from "../../log/logger.js";
import { ServerLog } from "../../log/server-log.js";
import { composeHandler } from "../../mount/compose-handler.js";
import { implForConnect } from "../../mount/connect-impl.js";
import { type ConnectRouteOptions, connectOptions } from "../../mount/connect-options.js";
import { limitMessages } from "../../mount/limit-messages.js";
import {
  checkOptions,
  flag,
  generatedService,
  isService,
  type OptionKinds,
  object,
  signal,
  text,
  wrongArgument,
} from "../../options/check-options.js";
import { defaultHeldBytes } from "../../options/number-options.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import type { OrUndefined } from "../../protocol/or-undefined.js";
import { formatPath } from "../../protocol/path.js";
import { renamedMethod } from "../../protocol/rename-method.js";
import type { Selector } from "../../protocol/selector.js";
import type { Clock } from "../../runtime/clock.js";
import { CallContext, type ContextHost, contextOfConnect } from "../call/call-context.js";
import { createInvoke } from "../call/invoke.js";
import type { TripleContext, TripleMethodImpl, TripleServiceImpl } from "../call/triple-context.js";
import type { Handler, Registration } from "./registration.js";
import {
  type ResolvedServeOptions,
  resolveServeOptions,
  type ServeOptions,
  serveOptionKinds,
} from "./resolve-options.js";
import { RouteTable } from "./route-table.js";

/** Options of one registration. */
export interface TripleRouteOptions extends ServeOptions {
  /** Service group that clients have to ask for. Default: none. */
  group?: string | undefined;
  /** Service version that clients have to ask for. Default: none. */
  version?: string | undefined;
  /** Name that the service is served under, if it is not the proto's full name: a Java interface, say. */
  interface?: string | undefined;
}

/** The server of a router's routes, as the router sees it. */
export interface RouterHost extends ContextHost {
  /** The logger of unexpected errors of calls that `router.handlers` serve. Default: `console`, without its `debug`. */
  readonly logger?: Logger | undefined;
  /** The clock of rates. Default: the runtime's. */
  readonly clock?: Clock | undefined;
  /** See `maxHeldBytes` of `ServerOptions`, for calls that `router.handlers` serve. Default 1 GiB. */
  readonly maxHeldBytes?: number | undefined;
  /** The server's log, which limits its lines. Default: one that writes to `logger`. */
  readonly log?: ServerLog | undefined;
}

/**
 * Registers services: Connect's router, with group, version and interface name per registration. The same service may be
 * registered several times with different ones.
 */
export interface TripleRouter extends ConnectRouter {
  /** The registrations, by which the engine dispatches. Connect's routers have no such member, so the types can't be mixed up. */
  readonly routes: RouteTable;
  /**
   * Registers a service. Methods that are left out answer `Unimplemented`. Throws `AlreadyExists` when the same service,
   * group and version are registered already. An implementation for Connect's router fits, too. (One signature, without
   * Connect's beside it: of two, TypeScript reports the faults of the last, whichever is meant.)
   */
  service<T extends DescService>(
    service: T,
    implementation: Partial<TripleServiceImpl<T>>,
    options?: TripleRouteOptions & OrUndefined<ConnectRouteOptions>,
  ): this;
  /** Registers one method; as `service`. */
  rpc<M extends DescMethod>(
    method: M,
    implementation: TripleMethodImpl<M>,
    options?: TripleRouteOptions & OrUndefined<ConnectRouteOptions>,
  ): this;
}

/** The kinds of a registration's options, and of Connect's, which hold for mounts. */
const routeOptionKinds: OptionKinds<TripleRouteOptions & ConnectRouteOptions> = {
  ...serveOptionKinds,
  group: text,
  version: text,
  interface: text,
  requireConnectProtocolHeader: flag,
  shutdownSignal: signal,
};

/** Makes a router. `host` is what its calls need of the server. */
export function createTripleRouter(options: ServeOptions, host: RouterHost): TripleRouter {
  const base = resolveServeOptions(options);
  const log = host.log ?? new ServerLog(host.logger ?? defaultLogger);
  const routes = new RouteTable(host.clock);
  const handlers: UniversalHandler[] = [];
  /** Registrations whose handlers for Connect's adapters are made when the handlers are read: a server never reads them. */
  const unmade: (() => void)[] = [];
  const add = (
    method: DescMethod,
    implementation: unknown,
    owner: object | undefined,
    given: TripleRouteOptions,
  ): void => {
    const desc = given.interface === undefined ? method : renamedMethod(method, given.interface);
    const selector: Selector = { group: given.group ?? "", version: given.version ?? "" };
    const registration = register(
      desc,
      selector,
      boundHandler(desc, implementation, owner),
      resolveServeOptions(given, base),
      host,
    );
    const path = formatPath(desc.parent.typeName, desc.name);
    const known = routes.add(path, registration);
    unmade.push(() => {
      const maxHeldBytes = host.maxHeldBytes ?? defaultHeldBytes;
      const optionsOf = (format: MessageFormat) =>
        connectOptions(given, registration.options, log, desc, format, maxHeldBytes);
      const contextFor = (context: HandlerContext) =>
        contextOfConnect(context, selector, host, registration.options.compressResponses);
      const impl = implForConnect(desc, registration.handler, contextFor);
      const handlerOf = (format: MessageFormat) =>
        createConnectRouter(optionsOf(format)).rpc(desc, impl).handlers[0]!;
      const formats = { proto: handlerOf("proto"), json: handlerOf("json") };
      const handler = limitMessages(formats, desc, registration.options);
      composeHandler(handlers, known, selector, handler, optionsOf("proto"));
    });
  };
  const router: TripleRouter = {
    routes,
    get handlers() {
      for (const make of unmade.splice(0)) make();
      return handlers;
    },
    service(service: DescService, implementation: object, given: TripleRouteOptions = {}) {
      if (!isService(service))
        throw wrongArgument("the service of router.service", service, generatedService);
      if (!object.accepts(implementation) && typeof implementation !== "function") {
        throw wrongArgument(
          `the implementation of ${service.typeName}`,
          implementation,
          "an object with a function for each method",
        );
      }
      checkOptions(`router.service(${service.name})`, given, routeOptionKinds);
      for (const method of service.methods) {
        add(method, implemented(implementation, method.localName), implementation, given);
      }
      return router;
    },
    rpc(method: DescMethod, implementation: unknown, given: TripleRouteOptions = {}) {
      if ((method as { kind?: unknown } | undefined)?.kind !== "rpc") {
        throw wrongArgument("the method of router.rpc", method, "a method of a generated service");
      }
      checkOptions(`router.rpc(${method.name})`, given, routeOptionKinds);
      add(method, implementation, undefined, given);
      return router;
    },
  };
  return router;
}

/**
 * The member of an implementation, its own or its class's. Members that each object has, such as `hasOwnProperty`, implement
 * nothing: they belong to the last prototype, of whichever realm.
 */
function implemented(implementation: object, name: string): unknown {
  for (let owner: object | null = implementation; owner !== null; ) {
    const prototype: object | null = Object.getPrototypeOf(owner);
    if (Object.hasOwn(owner, name)) {
      if (prototype === null && owner !== implementation) return undefined;
      return (implementation as Record<string, unknown>)[name];
    }
    owner = prototype;
  }
  // A proxy may give members that it doesn't own.
  return name in Object.prototype ? undefined : (implementation as Record<string, unknown>)[name];
}

function boundHandler(desc: DescMethod, implementation: unknown, owner: object | undefined): Handler {
  if (typeof implementation === "function") {
    return (owner === undefined ? implementation : implementation.bind(owner)) as Handler;
  }
  if (implementation !== undefined) {
    throw new ConnectError(
      `implementation of ${desc.parent.typeName}/${desc.name} is a ${typeof implementation}: give a function`,
      Code.InvalidArgument,
    );
  }
  return () => {
    throw new ConnectError(`${desc.parent.typeName}/${desc.name} is not implemented`, Code.Unimplemented);
  };
}

function register(
  desc: DescMethod,
  selector: Selector,
  handler: Handler,
  options: ResolvedServeOptions,
  host: ContextHost,
): Registration {
  const contextOf = (call: ServerCall): TripleContext => {
    call.context ??= new CallContext(call, registration, host);
    return call.context as TripleContext;
  };
  const invoke = createInvoke(desc, handler, options.interceptors, contextOf);
  const served = (format: MessageFormat): ServerMethod => ({
    name: `${desc.parent.typeName}/${desc.name}`,
    requestStream: desc.methodKind === "client_streaming" || desc.methodKind === "bidi_streaming",
    request: messageCodec(desc.input, format, options, options.readMaxElements),
    response: messageCodec(desc.output, format, options) as ServerMethod["response"],
    readMaxBytes: options.readMaxBytes,
    writeMaxBytes: options.writeMaxBytes,
    invoke,
  });
  const registration: Registration = {
    desc,
    selector,
    handler,
    options,
    served: { proto: served("proto"), json: served("json") },
  };
  return registration;
}

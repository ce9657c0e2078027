// SPDX-License-Identifier: Apache-2.0

import type { DescMethod } from "@bufbuild/protobuf";
import { createConnectRouter, type HandlerContext, type MethodImpl } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "../connect-private.js";
import { serviceGroup, serviceVersion } from "../protocol/headers.js";
import { type Selector, selectorKey } from "../protocol/selector.js";
import { type PathRoutes, unknownSelector } from "../server/routing/route-table.js";
import type { ConnectRouteOptions } from "./connect-options.js";
import { errorAnswer } from "./error-answer.js";
import { guardHandler } from "./guard-handler.js";

/** One path's handlers of Connect, by group and version. */
interface Composed extends UniversalHandler {
  readonly bySelector: Map<string, UniversalHandler>;
}

/**
 * Adds one registration's handler to a router's `handlers`: one per path, as Connect's adapters need it, which picks by
 * the group and version headers. A miss is answered by a handler of the same protocols, so it is encoded right in each.
 */
export function composeHandler(
  handlers: UniversalHandler[],
  routes: PathRoutes,
  selector: Selector,
  handler: UniversalHandler,
  options: ConnectRouteOptions,
): void {
  const key = selectorKey(selector.group, selector.version);
  const known = handlers.find((h): h is Composed => h.requestPath === routes.path && "bySelector" in h);
  if (known !== undefined) {
    known.bySelector.set(key, handler);
    return;
  }
  const bySelector = new Map([[key, handler]]);
  const missing = refusing(routes, handler, options);
  const { service, method, requestPath, allowedMethods, supportedContentType, protocolNames } = handler;
  const described = { service, method, requestPath, allowedMethods, supportedContentType, protocolNames };
  const pick = (req: UniversalServerRequest) => {
    const { group, version } = askedFor(req.header);
    return (bySelector.get(selectorKey(group, version)) ?? missing)(req);
  };
  const composed: Composed = Object.assign(
    guardHandler(Object.assign(pick, described), errorAnswer(method, options)),
    {
      ...described,
      bySelector,
    },
  );
  handlers.push(composed);
}

/** A handler for an unregistered group or version, with the compressions and limits of the path's first registration. */
function refusing(
  routes: PathRoutes,
  { method }: UniversalHandler,
  options: ConnectRouteOptions,
): UniversalHandler {
  const refuse = ((_input: unknown, context: HandlerContext): never => {
    throw unknownSelector(routes, askedFor(context.requestHeader));
  }) as unknown as MethodImpl<DescMethod>;
  return createConnectRouter({ ...options, interceptors: [] }).rpc(method, refuse).handlers[0]!;
}

function askedFor(header: Headers): Selector {
  return { group: header.get(serviceGroup) ?? "", version: header.get(serviceVersion) ?? "" };
}

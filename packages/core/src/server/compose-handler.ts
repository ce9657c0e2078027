// SPDX-License-Identifier: Apache-2.0

import type { DescMethod } from "@bufbuild/protobuf";
import { createConnectRouter, type MethodImpl } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "../connect-private.js";
import { serviceGroup, serviceVersion } from "../protocol/headers.js";
import { type Selector, selectorKey } from "../protocol/selector.js";
import { type PathRoutes, unknownSelector } from "./route-table.js";

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
): void {
  const key = selectorKey(selector.group, selector.version);
  const known = handlers.find((h): h is Composed => h.requestPath === routes.path && "bySelector" in h);
  if (known !== undefined) {
    known.bySelector.set(key, handler);
    return;
  }
  const bySelector = new Map([[key, handler]]);
  const pick = (req: UniversalServerRequest) => {
    const asked: Selector = {
      group: req.header.get(serviceGroup) ?? "",
      version: req.header.get(serviceVersion) ?? "",
    };
    const found =
      bySelector.get(selectorKey(asked.group, asked.version)) ?? missing(routes, asked, handler.method);
    return found(req);
  };
  const composed: Composed = Object.assign(pick, {
    bySelector,
    service: handler.service,
    method: handler.method,
    requestPath: handler.requestPath,
    allowedMethods: handler.allowedMethods,
    supportedContentType: handler.supportedContentType,
    protocolNames: handler.protocolNames,
  });
  handlers.push(composed);
}

function missing(routes: PathRoutes, asked: Selector, method: DescMethod): UniversalHandler {
  const refuse = (() => {
    throw unknownSelector(routes, asked);
  }) as unknown as MethodImpl<DescMethod>;
  return createConnectRouter().rpc(method, refuse).handlers[0]!;
}

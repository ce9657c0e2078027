// SPDX-License-Identifier: Apache-2.0
import type { ConnectRouter } from "@connectrpc/connect";
import { defaultLogger, type Logger } from "../log/logger.js";
import { ServerLog } from "../log/server-log.js";
import {
  checkOptions,
  logger as loggerKind,
  type OptionKinds,
  signal,
  wrongArgument,
} from "../options/check-options.js";
import { memory } from "../options/number-options.js";
import { allowManyListeners } from "../runtime/many-listeners.js";
import { createTripleRouter, type TripleRouter } from "../server/routing/create-router.js";
import { type ServeOptions, serveOptionKinds } from "../server/routing/resolve-options.js";

/** Options of {@link mount}. */
export interface MountOptions extends ServeOptions {
  /** Becomes `context.shutdownSignal`. Default: one that never fires. */
  shutdownSignal?: AbortSignal | undefined;
  /**
   * Most memory in bytes that request messages may take in this process. Each running call counts the message that its handler took last.
   * Servers and other mounts of the process share this limit. A request that would take more fails with `ResourceExhausted`. Default 1 GiB.
   * Infinity for no limit.
   */
  maxHeldBytes?: number | undefined;
  /** The logger of unexpected errors. Default: `console`, without its `debug`. */
  logger?: Logger | undefined;
}

const mountOptionKinds: OptionKinds<MountOptions> = {
  ...serveOptionKinds,
  shutdownSignal: signal,
  maxHeldBytes: memory,
  logger: loggerKind,
};

/**
 * Puts routes under one of Connect's own adapters: `connectNodeAdapter({ routes: mount(routes) })`, and likewise with
 * connect-fastify and connect-express. Group and version are dispatched as by the engine, a handler hears of its call's end as
 * it does there, and deadlines are kept; what a mount can't give is the engine's speed, early headers and the peer. The
 * interceptors and limits in `options` hold, not the adapter's. Throws the error of `routes`, a `TypeError` for
 * asynchronous routes, and `InvalidArgument` for a wrong option.
 */
export function mount(
  routes: (router: TripleRouter) => unknown,
  options: MountOptions = {},
): (router: ConnectRouter) => void {
  if (typeof routes !== "function")
    throw wrongArgument("routes of mount", routes, "(router) => router.service(…)");
  checkOptions("mount", options, mountOptionKinds);
  const { shutdownSignal = new AbortController().signal, maxHeldBytes, logger, ...serve } = options;
  allowManyListeners(shutdownSignal);
  const log = new ServerLog(logger ?? defaultLogger);
  return (router) => {
    const triple = createTripleRouter(serve, { shutdownSignal, log, maxHeldBytes });
    const registered: unknown = routes(triple);
    if (registered instanceof Promise) {
      registered.catch(() => {});
      throw new TypeError(
        "routes given to mount() are asynchronous: await what they need before, and register at once",
      );
    }
    router.handlers.push(...triple.handlers);
  };
}

// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import type { TripleContext, TripleRouter, TripleServiceImpl } from "@tristream/core";
import {
  Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../schemas/grpc/health/v1/health_pb.js";
import { formatServiceKey, type ServiceKey } from "../service-key.js";
import { Watchers } from "./watchers.js";

/** The status of a service. */
export type HealthStatus = "UNKNOWN" | "SERVING" | "NOT_SERVING";

/** The most services whose status can be set: names may come from outside. */
const mostServices = 10_000;

/** The statuses of a server's services, and the service `grpc.health.v1.Health` that tells them. */
export interface Health {
  /**
   * Sets the status of a service; `""` is the whole server. Watchers of the service hear of it. A service that was never set has the
   * status SERVING if it is registered at the router, and is unknown otherwise. Throws `InvalidArgument` for a status that there is not, and
   * `ResourceExhausted` beyond 10,000 services.
   */
  set(service: string | ServiceKey, status: HealthStatus): void;
  /** The status of a service, or undefined if it is unknown. */
  get(service: string | ServiceKey): HealthStatus | undefined;
  /**
   * Registers the service. Its statuses begin with SERVING: of the whole server (`""`), and of each service that the router has, by its
   * name on the wire, with group and version as in `group/service:version`. A watcher of a service that is registered later hears of it.
   */
  register(router: TripleRouter): void;
}

/**
 * Makes the health of a server. As soon as the server begins to shut down, all statuses are NOT_SERVING; watchers hear it, and their
 * streams end, so that they don't hold up the shutdown.
 */
export function createHealth(): Health {
  return new ServerHealth();
}

class ServerHealth implements Health {
  private readonly statuses = new Map<string, HealthStatus>([["", "SERVING"]]);
  private readonly watchers = new Watchers();
  private router: TripleRouter | null = null;
  /** The names of the router's services, and the router's generation that they are of. */
  private registered: ReadonlySet<string> = new Set();
  private generation = -1;

  set(service: string | ServiceKey, status: HealthStatus): void {
    if (!["UNKNOWN", "SERVING", "NOT_SERVING"].includes(status)) {
      throw new ConnectError(
        `the status is ${JSON.stringify(status)}: pass "SERVING", "NOT_SERVING" or "UNKNOWN"`,
        Code.InvalidArgument,
      );
    }
    const key = formatServiceKey(service);
    if (!this.statuses.has(key) && this.statuses.size >= mostServices) {
      throw new ConnectError(
        `the status of ${mostServices} services is set, the most that are kept: set those of services, not of requests`,
        Code.ResourceExhausted,
      );
    }
    this.statuses.set(key, status);
    this.watchers.tell(key);
  }

  get(service: string | ServiceKey): HealthStatus | undefined {
    const key = formatServiceKey(service);
    return this.statuses.get(key) ?? (this.services().has(key) ? "SERVING" : undefined);
  }

  register(router: TripleRouter): void {
    this.router = router;
    const service: TripleServiceImpl<typeof HealthService> = {
      check: ({ service }, context) => ({ status: this.check(service, context) }),
      list: (_request, context) => this.list(context),
      watch: ({ service }, context) => this.watch(service, context),
    };
    router.service(HealthService, service);
    router.routes.onAdded(() => this.watchers.tellAll());
  }

  private check(service: string, { shutdownSignal }: TripleContext): ServingStatus {
    const status = this.get(service);
    if (status === undefined) throw new ConnectError(`no service ${JSON.stringify(service)}`, Code.NotFound);
    return ServingStatus[shutdownSignal.aborted ? "NOT_SERVING" : status];
  }

  private list({ shutdownSignal }: TripleContext) {
    const names = new Set([...this.services(), ...this.statuses.keys()]);
    const status = (name: string): HealthStatus =>
      shutdownSignal.aborted ? "NOT_SERVING" : (this.get(name) ?? "UNKNOWN");
    return {
      statuses: Object.fromEntries([...names].map((name) => [name, { status: ServingStatus[status(name)] }])),
    };
  }

  /** The status now and at each change. Of several changes while the client does not read, the last one counts. */
  private async *watch(service: string, { shutdownSignal, signal }: TripleContext) {
    using watcher = this.watchers.add(service, [shutdownSignal, signal]);
    let last: ServingStatus | undefined;
    while (!signal.aborted) {
      watcher.seen();
      const status = shutdownSignal.aborted
        ? ServingStatus.NOT_SERVING
        : ServingStatus[this.get(service) ?? "SERVICE_UNKNOWN"];
      if (status !== last) yield { status };
      last = status;
      if (shutdownSignal.aborted) return;
      await watcher.changed();
    }
  }

  /** The names of the router's services: services may be registered after this one. */
  private services(): ReadonlySet<string> {
    const { router } = this;
    if (router !== null && router.routes.generation !== this.generation) {
      this.generation = router.routes.generation;
      const keys = [...router.routes.registrations()].map(({ desc, selector }) =>
        formatServiceKey({ service: desc.parent.typeName, ...selector }),
      );
      this.registered = new Set(keys);
    }
    return this.registered;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { foldPath } from "../../protocol/path.js";
import { peerError } from "../../protocol/peer-error.js";
import { describeSelector, type Selector, selectorKey } from "../../protocol/selector.js";
import type { Clock } from "../../runtime/clock.js";
import type { Registration } from "./registration.js";
import { offered, UnknownPaths } from "./unknown-paths.js";

/** All registrations of one path, by group and version. */
export interface PathRoutes {
  readonly path: string;
  readonly bySelector: Map<string, Registration>;
  /** The offered registrations, for an error; null until it is needed. */
  offered: string | null;
}

/** Finds the registration of a path, a group and a version. All three must match exactly, as in dubbo-go. */
export class RouteTable {
  private readonly paths = new Map<string, PathRoutes>();
  private readonly folded = new Map<string, PathRoutes>();
  private readonly unknown: UnknownPaths;
  /** Counts what was added. */
  generation = 0;
  /** Called after each addition. */
  private readonly listeners: (() => void)[] = [];

  /** The rate of hints counts by `clock`. Default: the runtime's. */
  constructor(clock?: Clock) {
    this.unknown = new UnknownPaths(clock);
  }

  /** Adds a registration. Throws when the same path, group and version are taken. */
  add(path: string, registration: Registration): PathRoutes {
    const key = selectorKey(registration.selector.group, registration.selector.version);
    let routes = this.paths.get(path);
    if (routes === undefined) {
      routes = { path, bySelector: new Map(), offered: null };
      this.paths.set(path, routes);
      this.unknown.add(path);
      if (!this.folded.has(foldPath(path))) this.folded.set(foldPath(path), routes);
    }
    if (routes.bySelector.has(key)) {
      throw new ConnectError(
        `${path.slice(1)} is registered twice for ${describeSelector(registration.selector)}: give one of them another group or version`,
        Code.AlreadyExists,
      );
    }
    routes.bySelector.set(key, registration);
    routes.offered = null;
    this.generation++;
    for (const listener of this.listeners) listener();
    return routes;
  }

  /** Calls `listener` after each later addition, as long as the table lives. It must not throw. */
  onAdded(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** The registrations of a path: exact, else with the case of the method's first letter ignored. */
  find(path: string): PathRoutes | undefined {
    return this.paths.get(path) ?? this.folded.get(foldPath(path));
  }

  /** All registrations: each is one method under one group and version. */
  *registrations(): IterableIterator<Registration> {
    for (const { bySelector } of this.paths.values()) yield* bySelector.values();
  }

  /** The registration for a request, or the error that says what was asked for and what is offered. */
  resolve(path: string, selector: Selector): Registration | ConnectError {
    const routes = this.find(path);
    if (routes === undefined) return this.unknown.answer(path);
    return (
      routes.bySelector.get(selectorKey(selector.group, selector.version)) ??
      unknownSelector(routes, selector)
    );
  }
}

/** The error for an unregistered group and version. */
export function unknownSelector(routes: PathRoutes, selector: Selector): ConnectError {
  routes.offered ??= offered(
    [...routes.bySelector.values()].map((r) => describeSelector(r.selector)),
    "; ",
  );
  return peerError(
    `no implementation of ${routes.path.slice(1)} for ${describeSelector(selector)}: ${routes.offered}`,
    Code.Unimplemented,
  );
}

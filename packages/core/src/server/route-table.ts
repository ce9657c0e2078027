// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { foldPath } from "../protocol/path.js";
import { quote } from "../protocol/quote.js";
import { describeSelector, type Selector, selectorKey } from "../protocol/selector.js";
import { nearestName } from "./nearest-name.js";
import type { Registration } from "./registration.js";

/** All registrations of one path, by group and version. */
export interface PathRoutes {
  readonly path: string;
  readonly bySelector: Map<string, Registration>;
}

/** Which registration serves a path, a group and a version: exact, as dubbo-go; nothing is ever served by another one. */
export class RouteTable {
  private readonly paths = new Map<string, PathRoutes>();
  private readonly folded = new Map<string, PathRoutes>();

  /** Adds a registration. Throws when the same path, group and version are taken. */
  add(path: string, registration: Registration): PathRoutes {
    const key = selectorKey(registration.selector.group, registration.selector.version);
    let routes = this.paths.get(path);
    if (routes === undefined) {
      routes = { path, bySelector: new Map() };
      this.paths.set(path, routes);
      if (!this.folded.has(foldPath(path))) this.folded.set(foldPath(path), routes);
    }
    if (routes.bySelector.has(key)) {
      throw new ConnectError(
        `${path.slice(1)} is registered twice for ${describeSelector(registration.selector)}: give one of them another group or version`,
        Code.AlreadyExists,
      );
    }
    routes.bySelector.set(key, registration);
    return routes;
  }

  /** The registrations of a path: exact, else with the case of the method's first letter ignored. */
  find(path: string): PathRoutes | undefined {
    return this.paths.get(path) ?? this.folded.get(foldPath(path));
  }

  /** The registration for a request, or the error that says what was asked for and what is offered. */
  resolve(path: string, selector: Selector): Registration | ConnectError {
    const routes = this.find(path);
    if (routes === undefined) return this.unknownPath(path);
    return (
      routes.bySelector.get(selectorKey(selector.group, selector.version)) ??
      unknownSelector(routes, selector)
    );
  }

  private unknownPath(path: string): ConnectError {
    const [, service = "", method = ""] = /^\/([^/]*)\/(.*)$/.exec(path) ?? [];
    const methods = [...this.paths.keys()]
      .filter((p) => p.startsWith(`/${service}/`))
      .map((p) => p.slice(service.length + 2));
    if (methods.length > 0) return unknownName(`method ${quote(method)} of ${service}`, method, methods);
    const services = new Set([...this.paths.keys()].map((p) => p.slice(1, p.lastIndexOf("/"))));
    const asked = service === "" ? path : service;
    return unknownName(`service ${quote(asked)}`, asked, [...services]);
  }
}

/** Names that an error lists: more would not fit into the headers that a peer takes. */
const mostListed = 20;

function unknownName(what: string, asked: string, names: readonly string[]): ConnectError {
  const nearest = nearestName(asked, names);
  const hint = nearest === undefined ? "" : ` did you mean ${JSON.stringify(nearest)}?`;
  return new ConnectError(`unknown ${what}:${hint} ${offered(names, ", ")}`, Code.Unimplemented);
}

function offered(names: readonly string[], separator: string): string {
  if (names.length === 0) return "nothing is offered";
  const listed = names.slice(0, mostListed).join(separator);
  const more = names.length > mostListed ? `${separator}and ${names.length - mostListed} more` : "";
  return `offered ${names.length === 1 ? "is" : "are"} ${listed}${more}`;
}

/** The error for a group and version that nobody registered. */
export function unknownSelector(routes: PathRoutes, selector: Selector): ConnectError {
  const names = [...routes.bySelector.values()].map((r) => describeSelector(r.selector));
  return new ConnectError(
    `no implementation of ${routes.path.slice(1)} for ${describeSelector(selector)}: ${offered(names, "; ")}`,
    Code.Unimplemented,
  );
}

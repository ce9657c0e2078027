// SPDX-License-Identifier: Apache-2.0

/** The path of a method: `/package.Service/Method`. `serviceName` is the proto's full name, or an interface name. */
export function formatPath(serviceName: string, methodName: string): string {
  return `/${serviceName}/${methodName}`;
}

/**
 * The path with the first letter of its last segment in lower case. Dubbo peers may call `sayHello` what the proto
 * calls `SayHello`; both mean the same method (apache/dubbo-go triple_protocol/method_route_mux.go).
 */
export function foldPath(path: string): string {
  const at = path.lastIndexOf("/") + 1;
  if (at >= path.length) return path;
  const first = path[at]!;
  const lower = first.toLowerCase();
  return first === lower ? path : path.slice(0, at) + lower + path.slice(at + 1);
}

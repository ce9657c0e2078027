// SPDX-License-Identifier: Apache-2.0
import type { DescMethod, DescService } from "@bufbuild/protobuf";

/**
 * The same method under another service name: Dubbo lets the interface's name on the wire differ from the proto's.
 * Everything else is the descriptor's own.
 */
export function renamedMethod<M extends DescMethod>(method: M, interfaceName: string): M {
  const parent = Object.create(method.parent, {
    typeName: { value: interfaceName, enumerable: true },
  }) as DescService;
  return Object.create(method, { parent: { value: parent, enumerable: true } }) as M;
}

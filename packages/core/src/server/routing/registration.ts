// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import type { ServerMethod } from "../../engine/call/request-head.js";
import type { MessageFormat } from "../../protocol/message-format.js";
import type { Selector } from "../../protocol/selector.js";
import type { ResolvedServeOptions } from "./resolve-options.js";

/** A handler as the application gave it, bound to its object; its signature depends on the method's kind. */
export type Handler = (input: never, context: never) => unknown;

/** One method of one registered service, ready to be served. */
export interface Registration {
  /** The method, under the interface name that it is served as. */
  readonly desc: DescMethod;
  readonly selector: Selector;
  readonly handler: Handler;
  readonly options: ResolvedServeOptions;
  /** The engine's view, per serialisation. */
  readonly served: Readonly<Record<MessageFormat, ServerMethod>>;
}

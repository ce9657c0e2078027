// SPDX-License-Identifier: Apache-2.0
import type { DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { deadlines } from "../../engine/call/deadline.js";
import { copyViews } from "../../engine/message/copy-views.js";
import { joinBinaryValues } from "../../protocol/metadata.js";
import { renamedMethod } from "../../protocol/rename-method.js";
import { selectorFields } from "../../protocol/selector.js";
import { captureContext } from "../../runtime/async-context.js";
import { ContextIterable } from "../../runtime/context-iterator.js";
import type { MethodSettings, PreparedMethod } from "../transport/engine-transport.js";
import type { Call } from "./call.js";
import { type AnyResponse, callOf, faultOf, requestedHeaders } from "./call-request.js";
import { foreignAttempt } from "./foreign-attempt.js";
import { foreignError, ownedMessages } from "./foreign-error.js";

/**
 * A method over a `Transport` that is not ours: Connect's over fetch, say. Group and version go as headers, the interface
 * name by a descriptor of that name, and cancelling by the signal, which is all that such a transport offers.
 */
export function foreignMethod(
  desc: DescMethodUnary | DescMethodStreaming,
  transport: Transport,
  settings: MethodSettings,
): PreparedMethod {
  const method =
    settings.serviceName === desc.parent.typeName ? desc : renamedMethod(desc, settings.serviceName);
  const constant: [string, string][] = selectorFields(settings).map(([name, value]) => [name, value]);
  for (let i = 0; i < settings.headers.length; i += 2)
    constant.push([settings.headers[i]!, settings.headers[i + 1]!]);
  return {
    checkCompress(compress): never {
      throw new ConnectError(
        `compress: ${compress} of ${settings.serviceName}/${desc.name} needs a transport of createTransport: others decide by their own options`,
        Code.FailedPrecondition,
      );
    },
    deadlines,
    url: `http://localhost/${settings.serviceName}/${desc.name}`,
    call: (req): Promise<AnyResponse> => {
      const fault = faultOf(req, `${settings.serviceName}/${desc.name}`);
      if (fault !== null) return Promise.reject(fault);
      const headers = requestedHeaders(req) ?? new Headers(constant);
      joinBinaryValues(headers);
      const call = callOf(req);
      let timeoutMs: number | undefined;
      try {
        timeoutMs = foreignTimeout(call?.timeLeft());
      } catch (error) {
        return Promise.reject(error);
      }
      const stream = (messages: unknown): Promise<AnyResponse> => {
        // The transport may read the messages in any context.
        const observed = call?.observations?.iterable(messages as AsyncIterable<unknown>, "request");
        const given = observed ?? (messages as AsyncIterable<unknown>);
        const inContext = new ContextIterable(given, captureContext());
        return transport.stream(
          method as DescMethodStreaming,
          req.signal,
          timeoutMs,
          headers,
          inContext as never,
          req.contextValues,
        );
      };
      const response =
        method.methodKind === "unary"
          ? transport.unary(method, req.signal, timeoutMs, headers, req.message as never, req.contextValues)
          : foreignAttempt(req.message, call, stream);
      return response.then(
        (res) => observed(readable(res), call),
        (error) => {
          throw foreignError(error);
        },
      );
    },
  };
}

/** The response, with messages that pass the call's hooks. */
function observed(res: AnyResponse, call: Call | undefined): AnyResponse {
  const observations = call?.observations ?? null;
  if (observations === null) return res;
  if (res.stream) return { ...res, message: observations.iterable(res.message, "response") };
  observations.message(res.message, "response");
  return res;
}

/** The longest deadline of Connect's gRPC transports: eight digits of milliseconds, 27.7 hours. Their timers end at 24.8 days. */
const longestTimeout = 99_999_999;

/**
 * The deadline that a foreign transport gets. The call itself keeps the exact deadline, and cancels by the signal. A deadline that
 * the header can't hold is left out, and a fraction, which would go into the header as it is, is rounded up.
 */
function foreignTimeout(timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined || timeoutMs > longestTimeout ? undefined : Math.ceil(timeoutMs);
}

/** The response, with messages and errors like those of our own transports. */
function readable(res: AnyResponse): AnyResponse {
  if (!res.stream) {
    copyViews(res.message);
    return res;
  }
  const { service, method, header, trailer } = res;
  return { ...res, stream: true, service, method, header, trailer, message: ownedMessages(res.message) };
}

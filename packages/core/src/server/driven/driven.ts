// SPDX-License-Identifier: Apache-2.0
import { wrongArgument } from "../../options/check-options.js";
import type { TripleContext } from "../call/triple-context.js";
import { DrivenLoops } from "./driven-loops.js";
import { DrivenRequests } from "./driven-requests.js";
import { DrivenResponses } from "./driven-responses.js";
import type { DrivenBidiStream, DrivenClientStream, DrivenServerStream } from "./driven-streams.js";

/** A driven handler, by the input and the output of its method's implementation. */
export type DrivenHandler<In, Out> = [In, Out] extends [AsyncIterable<infer I>, AsyncIterable<infer O>]
  ? (stream: DrivenBidiStream<I, O>, context: TripleContext) => Promise<void>
  : [In, Out] extends [AsyncIterable<infer I>, Promise<infer O>]
    ? (stream: DrivenClientStream<I>, context: TripleContext) => Promise<O>
    : [Out] extends [AsyncIterable<infer O>]
      ? (stream: DrivenServerStream<In, O>, context: TripleContext) => Promise<void>
      : "driven() implements a method with a stream: annotate the result as TripleMethodImpl<typeof Service.method.name>";

/**
 * Makes a method's implementation of a function that receives and sends by hand, as dubbo-go's `stream.Recv()` and `stream.Send()`.
 * The messages' types come from the method. Backpressure, errors and endings are a generator's.
 *
 * The handler's stream depends on the kind of the method: {@link DrivenBidiStream}, {@link DrivenClientStream}, whose handler returns
 * the response, or {@link DrivenServerStream}. The call ends well when the handler and all loops of `stream.run()` have ended, and with
 * the error of the first one that throws. When the call ends before, pending and later `receive()` and `send()` reject with its error.
 *
 * Throws `InvalidArgument` for a handler that is not a function. A unary method fails its calls with `Internal`.
 *
 * ```ts
 * router.service(GreetService, {
 *   greetStream: driven(async (stream) => {
 *     for (let m = await stream.receive(); m; m = await stream.receive()) await stream.send({ greeting: `hello ${m.name}` });
 *   }),
 * });
 * ```
 */
export function driven<In, Out>(handler: DrivenHandler<In, Out>): (input: In, context: TripleContext) => Out {
  if (typeof handler !== "function")
    throw wrongArgument("the handler of driven", handler, "async (stream, context) => { … }");
  const run = handler as (stream: object, context: TripleContext) => unknown;
  const implementation = (input: unknown, context: TripleContext): unknown => {
    const { methodKind } = context.method;
    switch (methodKind) {
      case "client_streaming":
        return upload(run, input as AsyncIterable<unknown>, context);
      case "server_streaming":
        return download(run, input, context);
      case "bidi_streaming":
        return duplex(run, input as AsyncIterable<unknown>, context);
      default:
        throw new TypeError(
          `driven() can't implement ${nameOf(context)}, a ${methodKind} method: give a function of the message`,
        );
    }
  };
  return implementation as (input: In, context: TripleContext) => Out;
}

type Run = (stream: object, context: TripleContext) => unknown;

function upload(run: Run, input: AsyncIterable<unknown>, context: TripleContext): Promise<unknown> {
  const loops = new DrivenLoops(nameOf(context), context);
  const requests = new DrivenRequests(input, loops);
  const stream: DrivenClientStream<unknown> = {
    receive: () => requests.receive(),
    [Symbol.asyncIterator]: () => requests.loop(),
    run: (loop) => loops.run(loop),
  };
  return new Promise((resolve, reject) => {
    let response: unknown;
    loops.whenEnded = () => {
      requests.close();
      resolve(response);
    };
    loops.whenFailed = reject;
    loops.whenSettled = () => requests.close();
    loops.join(async () => {
      response = await run(stream, context);
    });
  });
}

function download(run: Run, request: unknown, context: TripleContext): DrivenResponses<unknown> {
  const loops = new DrivenLoops(nameOf(context), context);
  const responses = new DrivenResponses<unknown>(loops, () => run(stream, context));
  const stream: DrivenServerStream<unknown, unknown> = {
    request,
    send: (message) => responses.send(message),
    run: (loop) => loops.run(loop),
  };
  return responses;
}

function duplex(run: Run, input: AsyncIterable<unknown>, context: TripleContext): DrivenResponses<unknown> {
  const loops = new DrivenLoops(nameOf(context), context);
  const requests = new DrivenRequests(input, loops);
  const responses = new DrivenResponses<unknown>(
    loops,
    () => run(stream, context),
    () => requests.close(),
  );
  const stream: DrivenBidiStream<unknown, unknown> = {
    receive: () => requests.receive(),
    send: (message) => responses.send(message),
    [Symbol.asyncIterator]: () => requests.loop(),
    run: (loop) => loops.run(loop),
  };
  return responses;
}

function nameOf({ method }: TripleContext): string {
  return `${method.parent.typeName}/${method.name}`;
}

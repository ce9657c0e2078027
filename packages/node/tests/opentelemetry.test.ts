// SPDX-License-Identifier: Apache-2.0
// Promise 13, with the context manager that applications have: OpenTelemetry's.
// Mutant: core/src/engine/message/message-writer.ts # this.owner.asyncContext.runInAsyncScope(this.step, this); => this.step();
// Mutant: core/src/server/call/invoke.ts # call.respondAll(res.message.source, res.message.context); => call.respondAll(res.message.source);
import { type Context, context, createContextKey, type Span, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { type Client, createClient, type Interceptor } from "@tristream/node";
import { all } from "../../core/tests/events.js";
import { everyLink } from "../../core/tests/every-link.js";

const caller = createContextKey("caller");
const long = "x".repeat(20_000);
const messages = 10;
const traces = ["1", "2", "3", "4"].map((digit) => digit.repeat(32));

/** A span that is not recorded: enough to be found, and no exporter. */
function span(traceId: string, side: "c" | "d"): Span {
  return trace.wrapSpanContext({ traceId, spanId: side.repeat(16), traceFlags: 1 });
}

/** `trace side caller` of the current context. */
function active(): string {
  const spanContext = trace.getActiveSpan()?.spanContext();
  const who = context.active().getValue(caller) ?? "nobody";
  return `${spanContext?.traceId ?? "none"} ${spanContext?.spanId[0] ?? "-"} ${who}`;
}

/** As instrumentations do it: a span for the call, active while the rest of the call runs; its trace goes in a header. */
const clientSpans: Interceptor = (next) => (req) => {
  const traceId = trace.getActiveSpan()!.spanContext().traceId;
  req.header.set("traceparent", traceId);
  return context.with(trace.setSpan(context.active(), span(traceId, "c")), () => next(req));
};

const serverSpans: Interceptor = (next) => (req) => {
  const traceId = req.header.get("traceparent")!;
  const inside: Context = trace.setSpan(context.active(), span(traceId, "d")).setValue(caller, "server");
  return context.with(inside, () => next(req));
};

const manager = new AsyncLocalStorageContextManager();
beforeAll(() => {
  context.setGlobalContextManager(manager.enable());
});
afterAll(() => context.disable());

describe.each(everyLink)("OpenTelemetry's active context over $name", (link) => {
  /** The active spans in handlers, and in the generators of clients, by trace. */
  function lists() {
    const seen = new Map<string, Set<string>>(traces.map((id) => [id, new Set()]));
    return { seen, look: (traceId: string) => void seen.get(traceId)!.add(active()) };
  }

  test("is the call's own in handlers of each kind, and in the generators and callbacks of its client", async () => {
    const server = lists();
    const client = lists();
    await using end = await link.start({
      interceptors: [serverSpans],
      routes: (r) =>
        r.service(GreetService, {
          async greet({ name }) {
            server.look(name);
            await null;
            server.look(name);
            return {};
          },
          async *greetServerStream({ name }) {
            for (let i = 0; i < messages; i++) {
              server.look(name);
              yield { greeting: long };
              server.look(name);
            }
          },
          async greetClientStream(requests, { requestHeader }) {
            const traceId = requestHeader.get("traceparent")!;
            for await (const _ of requests) server.look(traceId);
            return {};
          },
          async *greetStream(requests, { requestHeader }) {
            const traceId = requestHeader.get("traceparent")!;
            for await (const _ of requests) {
              server.look(traceId);
              yield { greeting: long };
              server.look(traceId);
            }
          },
        }),
    });
    const greeter: Client<typeof GreetService> = createClient(GreetService, end.transport, {
      interceptors: [clientSpans],
    });
    async function* requests(traceId: string) {
      for (let i = 0; i < messages; i++) {
        client.look(traceId);
        yield { name: long };
        client.look(traceId);
      }
    }
    const callbacks = new Set<string>();
    await Promise.all(
      traces.map((traceId) => {
        const outside = trace.setSpan(context.active(), span(traceId, "c")).setValue(caller, traceId);
        const own = (): void => void callbacks.add(`${traceId}: ${active() === `${traceId} c ${traceId}`}`);
        return context.with(outside, async () => {
          const options = { onHeader: own, onTrailer: own };
          await Promise.all([
            greeter.greet({ name: traceId }, options),
            all(greeter.greetServerStream({ name: traceId }, options)),
            greeter.greetClientStream(requests(traceId), options),
            all(greeter.greetStream(requests(traceId), options)),
          ]);
          own();
        });
      }),
    );
    for (const traceId of traces) {
      expect([...server.seen.get(traceId)!]).toEqual([`${traceId} d server`]);
      expect([...client.seen.get(traceId)!]).toEqual([`${traceId} c ${traceId}`]);
    }
    expect([...callbacks].sort()).toEqual(traces.map((traceId) => `${traceId}: true`));
  });
});

// SPDX-License-Identifier: Apache-2.0
// The types of the stream helpers, checked by the compiler.
import {
  type BidiStream,
  broadcast,
  type Channel,
  createChannel,
  createClient,
  type HandleOf,
  idleTimeout,
  merge,
  mergeUntilFirst,
  type StreamReader,
  type Transport,
  withTimeout,
} from "@tristream/core";
import { GreetService, type GreetStreamResponse } from "@tristream/gen/greet/greet_pb.js";

declare const transport: Transport;
const client = createClient(GreetService, transport);

// A merged stream has the values of all of its sources.
merge([1, 2], new Set(["a"]), [Promise.resolve(true)]) satisfies StreamReader<number | string | boolean>;
merge(client.greetStream([]), createChannel<{ tick: number }>()) satisfies StreamReader<
  GreetStreamResponse | { tick: number }
>;
merge() satisfies StreamReader<never>;
mergeUntilFirst([1], texts()) satisfies StreamReader<number | string>;
declare function texts(): AsyncGenerator<string>;
declare const many: readonly AsyncIterable<Date>[];
merge(...many) satisfies StreamReader<Date>;
// @ts-expect-error a number is not iterable
merge(1);

// A timeout keeps the type of its values.
withTimeout(client.greetServerStream({}), 1000) satisfies AsyncIterable<{ greeting: string }>;
idleTimeout([1], 1000, { clock: undefined }) satisfies StreamReader<number>;
// @ts-expect-error the time is required
withTimeout([1]);

// A channel of requests is what a call reads.
const names = createChannel<{ name: string }>();
client.greetStream(names) satisfies AsyncIterable<GreetStreamResponse>;
client.greetClientStream(names) satisfies Promise<{ greeting: string }>;
names.receive() satisfies Promise<{ name: string } | undefined>;
names[Symbol.asyncIterator]().return() satisfies Promise<unknown>;
// @ts-expect-error a value of the channel's type
void names.send({ nam: "a" });
createChannel({ capacity: undefined, signal: undefined }) satisfies Channel<unknown>;
// @ts-expect-error an option of no channel
createChannel({ capcity: 1 });

// A reader of a broadcast is what a handler may return.
const feed = broadcast(names, { whenSlow: "drop-oldest", capacity: undefined, signal: undefined });
feed satisfies AsyncIterable<{ name: string }>;
feed.subscribe({ whenSlow: "end" }).dropped satisfies number;
// @ts-expect-error no such policy
broadcast(names, { whenSlow: "drop" });

// A handle is a source. `HandleOf` is the type of a method's handle.
client.greetStream() satisfies HandleOf<typeof GreetService.method.greetStream>;
client.greetClientStream() satisfies HandleOf<typeof GreetService.method.greetClientStream>;
client.greetServerStream({}) satisfies HandleOf<typeof GreetService.method.greetServerStream>;
declare const noStream: HandleOf<typeof GreetService.method.greet>;
noStream satisfies never;
declare const handle: HandleOf<typeof GreetService.method.greetStream>;
handle satisfies BidiStream<{ name?: string }, GreetStreamResponse>;
broadcast(handle).subscribe() satisfies AsyncIterable<GreetStreamResponse>;

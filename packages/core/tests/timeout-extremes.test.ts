// SPDX-License-Identifier: Apache-2.0
// A deadline may be any number: none is taken for another one, over any transport.
// Mutant: core/src/client/call/foreign-method.ts # timeoutMs === undefined || timeoutMs > longestTimeout ? => timeoutMs === undefined ?
// Mutant: core/src/client/call/foreign-method.ts # undefined : Math.ceil(timeoutMs); => undefined : timeoutMs;
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createClient } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { serve } from "@tristream/node";
import { everyLink, quiet } from "./every-link.js";

const long = [
  100_000_000,
  2 ** 31 - 1,
  2 ** 31,
  99_999_999_000,
  1e12,
  Number.MAX_SAFE_INTEGER,
  1e300,
  Infinity,
];
const none = [0, -0, -1, -Infinity];

/** Says what the client's deadline was. */
function telling() {
  const seen: (string | null)[] = [];
  return {
    seen,
    routes: (r: Parameters<NonNullable<Parameters<typeof serve>[0]["routes"]>>[0]) =>
      r.service(GreetService, {
        greet(_request, context) {
          seen.push(context.requestHeader.get("grpc-timeout"));
          return {};
        },
      }),
  };
}

test.each(everyLink)("long deadlines are kept, and none is sent for 0 and less, over $name", async (link) => {
  const { seen, routes } = telling();
  await using end = await link.start({ routes });
  const client = createClient(GreetService, end.transport);
  for (const timeoutMs of [...long, ...none]) await client.greet({}, { timeoutMs });
  for (const value of seen.slice(0, long.length)) expect(value).toMatch(/^\d{1,8}[mSMH]$/);
  expect(seen.slice(long.length)).toEqual(none.map(() => null));
});

test("the same over Connect's own transport, which can say 27.7 hours and count 24.8 days", async () => {
  const { seen, routes } = telling();
  await using server = await serve({ host: "127.0.0.1", port: 0, logger: quiet, routes });
  const transport = createGrpcTransport({ baseUrl: server.url.replace("tri:", "http:") });
  const client = createClient(GreetService, transport);
  for (const timeoutMs of [...long, ...none]) await client.greet({}, { timeoutMs });
  await client.greet({}, { timeoutMs: 59_999.5 });
  expect(seen.slice(0, -1)).toEqual([...long, ...none].map(() => null));
  // The time left of it, in whole milliseconds.
  expect(seen.at(-1)).toMatch(/^(60000|5\d{4})m$/);
});

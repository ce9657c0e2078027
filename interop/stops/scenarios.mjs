// SPDX-License-Identifier: Apache-2.0

/** Options of a server that asks soon. */
const soon = { keepaliveMs: 5000, keepaliveTimeoutMs: 5000 };
const stopMs = 20_000;
/** 15 s after the first doubt, which is a deadline of 1 s that passes. */
const onDoubtMs = 16_500;
/** `soon`, and a look once a second. */
const soonMs = 13_000;
const atOnceMs = 2000;

/**
 * Each scenario: `client` and `server` are ours or grpc-go's; `mode` is the client's (client.ts); `fault` is what happens to whom, for `forMs`
 * if it ends. `clientMs` and `serverMs` bound the time to notice; without them that side must not notice. `with` says what decides.
 */
export const scenarios = [
  {
    name: "server stopped for 20 s, streams without deadlines",
    mode: "streams",
    fault: "stop server",
    forMs: stopMs,
    with: "`keepaliveMs` 310,000 of the client",
  },
  {
    name: "server stopped for 20 s, calls with deadlines of 1 s",
    mode: "deadlines",
    fault: "stop server",
    forMs: stopMs,
    clientMs: onDoubtMs,
    serverMs: stopMs + atOnceMs,
    with: "the deadline, `keepaliveTimeoutMs` 10,000 of the client",
  },
  {
    name: "server stopped for 30 s, upload whose sends are blocked",
    mode: "full",
    fault: "stop server",
    forMs: 30_000,
    clientMs: 25_000,
    serverMs: 30_000 + atOnceMs,
    with: "10 s of a blocked write, `keepaliveTimeoutMs` 10,000 of the client",
    isLong: true,
  },
  {
    name: "grpc-go server stopped for 20 s, streams without deadlines",
    server: "grpc-go",
    mode: "streams",
    fault: "stop server",
    forMs: stopMs,
    with: "`keepaliveMs` 310,000 of the client",
  },
  {
    name: "grpc-go server stopped for 20 s, calls with deadlines of 1 s",
    server: "grpc-go",
    mode: "deadlines",
    fault: "stop server",
    forMs: stopMs,
    clientMs: onDoubtMs,
    with: "the deadline, `keepaliveTimeoutMs` 10,000 of the client",
  },
  {
    name: "server stopped for 20 s, grpc-go client",
    client: "grpc-go",
    mode: "deadlines",
    fault: "stop server",
    forMs: stopMs,
    with: "grpc-go's keepalive, which is off",
  },
  {
    name: "client stopped for 20 s",
    mode: "streams",
    fault: "stop client",
    forMs: stopMs,
    with: "`keepaliveMs` 120,000 of the server",
  },
  {
    name: "client stopped for 20 s, calls with deadlines of 1 s",
    mode: "deadlines",
    fault: "stop client",
    forMs: stopMs,
    with: "`keepaliveMs` 120,000 of the server; its own pause is no silence to the client",
  },
  {
    name: "client stopped for 20 s, grpc-go server",
    server: "grpc-go",
    mode: "deadlines",
    fault: "stop client",
    forMs: stopMs,
    with: "grpc-go's keepalive, which is 2 hours",
  },
  {
    name: "client stopped for 20 s, a server that asks soon",
    mode: "streams",
    fault: "stop client",
    forMs: stopMs,
    options: soon,
    clientMs: stopMs + atOnceMs,
    serverMs: soonMs,
    with: "`keepaliveMs` 5000, `keepaliveTimeoutMs` 5000 of the server",
  },
  {
    name: "grpc-go client stopped for 20 s",
    client: "grpc-go",
    mode: "streams",
    fault: "stop client",
    forMs: stopMs,
    with: "`keepaliveMs` 120,000 of the server",
  },
  {
    name: "grpc-go client stopped for 20 s, a server that asks soon",
    client: "grpc-go",
    mode: "streams",
    fault: "stop client",
    forMs: stopMs,
    options: soon,
    clientMs: stopMs + atOnceMs,
    serverMs: soonMs,
    with: "`keepaliveMs` 5000, `keepaliveTimeoutMs` 5000 of the server",
  },
  {
    name: "black hole, calls with deadlines of 1 s",
    mode: "deadlines",
    fault: "black hole",
    options: soon,
    clientMs: onDoubtMs,
    serverMs: soonMs,
    with: "the deadline, `keepaliveTimeoutMs` 10,000 of the client; `keepaliveMs` 5000, `keepaliveTimeoutMs` 5000 of the server",
  },
  {
    name: "black hole, streams without deadlines",
    mode: "streams",
    fault: "black hole",
    clientMs: 325_000,
    serverMs: 135_000,
    with: "`keepaliveMs` 310,000 of the client, 120,000 of the server",
    isLong: true,
  },
  {
    name: "half-open, the client is gone",
    mode: "streams",
    fault: "client gone",
    clientMs: atOnceMs,
    serverMs: 135_000,
    with: "`keepaliveMs` 120,000 of the server",
    isLong: true,
  },
  {
    name: "half-open, the client is gone, a server that asks soon",
    mode: "streams",
    fault: "client gone",
    options: soon,
    clientMs: atOnceMs,
    serverMs: soonMs,
    with: "`keepaliveMs` 5000, `keepaliveTimeoutMs` 5000 of the server",
  },
  {
    name: "half-open, the server is gone, calls with deadlines of 1 s",
    mode: "deadlines",
    fault: "server gone",
    clientMs: onDoubtMs,
    serverMs: atOnceMs,
    with: "the deadline, `keepaliveTimeoutMs` 10,000 of the client",
  },
  {
    name: "half-open, the server is gone, a silent stream",
    mode: "silent",
    fault: "server gone",
    clientMs: 325_000,
    serverMs: atOnceMs,
    with: "`keepaliveMs` 310,000 of the client",
    isLong: true,
  },
  {
    name: "server killed",
    mode: "deadlines",
    fault: "kill server",
    clientMs: atOnceMs,
    with: "nothing, the connection's end",
  },
];

// SPDX-License-Identifier: Apache-2.0
import { createServer } from "node:net";
import { buildGo, buildJava, classPath, goPeer, root } from "./build.mjs";

const loopback = "127.0.0.1";

// short-lived processes: the optimising compiler would cost more than it gives
const java = [
  "java",
  "-XX:TieredStopAtLevel=1",
  "-XX:+UseSerialGC",
  "-Xshare:auto",
  "-Xmx512m",
  "-cp",
  classPath,
];
const tristream = [process.execPath, "--conditions=@tristream/source", "--import", "tsx"];

/**
 * How each implementation is built and started, from the root of the repository. A server prints "READY PORT"; a client
 * prints "RUN case", then "PASS case" or "FAIL case: why".
 */
export const peers = {
  tristream: {
    build: async () => false,
    server: () => [...tristream, "interop/tristream-server.ts", "0"],
    client: (url, server, cases) => [...tristream, "interop/tristream-client.ts", url, server, ...cases],
  },
  go: {
    build: buildGo,
    server: async () => [goPeer, "server", String(await freePort())],
    client: (url, server, cases) => [goPeer, "client", url, server, ...cases],
  },
  java: {
    build: buildJava,
    server: async () => [...java, "interop.Server", String(await freePort())],
    client: (url, server, cases) => [...java, "interop.Client", url, server, ...cases],
  },
};

export const spawnOptions = { cwd: root };

export const urlOf = (port) => `tri://${loopback}:${port}`;

/** A port that was free a moment ago, for peers that can't say which port they got. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, loopback, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

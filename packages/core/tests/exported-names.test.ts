// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";

/** All that packages export, values and types. Who changes this list changes what users may rely on. */
const committed: Record<string, readonly string[]> = {
  core: [
    "Attachments",
    "BidiStream",
    "ByteStream",
    "ByteStreamSink",
    "CallOptions",
    "Client",
    "ClientMethodOf",
    "ClientOptions",
    "ClientStream",
    "Code",
    "CodeBizError",
    "ConnectError",
    "Connector",
    "ContextKey",
    "ContextValues",
    "HeaderFields",
    "Interceptor",
    "Link",
    "LinkEvents",
    "Logger",
    "Messages",
    "MethodOptions",
    "MountOptions",
    "OutgoingFields",
    "Peer",
    "PreparedHeaders",
    "ServeOptions",
    "Server",
    "ServerOptions",
    "ServerStream",
    "ShutdownReport",
    "StreamHandle",
    "StreamReset",
    "Transport",
    "TransportOptions",
    "TripleContext",
    "TripleMethodImpl",
    "TripleRouteOptions",
    "TripleRouter",
    "TripleServiceImpl",
    "TripleTransport",
    "createClient",
    "createContextKey",
    "createContextValues",
    "createServer",
    "createTransport",
    "createTripleRouter",
    "mount",
    "readAttachments",
  ],
  http2: [
    "ByteLink",
    "ByteReceiver",
    "Connection",
    "ConnectionCounters",
    "ConnectionEvents",
    "ErrorCode",
    "HeaderBlock",
    "HeaderList",
    "Http2ConnectionError",
    "Http2Options",
    "LinkPeer",
    "OutgoingHeaders",
    "RateLimit",
    "ResolvedHttp2Options",
    "Stream",
    "StreamReset",
    "StreamSink",
    "errorCodeName",
    "resolveHttp2Options",
  ],
  node: [
    "Attachments",
    "BidiStream",
    "CallOptions",
    "Client",
    "ClientMethodOf",
    "ClientOptions",
    "ClientStream",
    "Code",
    "CodeBizError",
    "ConnectError",
    "ConnectOptions",
    "ContextKey",
    "ContextValues",
    "Http2Options",
    "Interceptor",
    "Logger",
    "Messages",
    "MethodOptions",
    "MountOptions",
    "Peer",
    "ServeOptions",
    "ServerHandle",
    "ServerStream",
    "ShutdownReport",
    "StreamHandle",
    "Transport",
    "TransportOptions",
    "TripleContext",
    "TripleMethodImpl",
    "TripleRouteOptions",
    "TripleRouter",
    "TripleServiceImpl",
    "TripleTransport",
    "createClient",
    "createContextKey",
    "createContextValues",
    "createTransport",
    "mount",
    "readAttachments",
    "serve",
  ],
  testing: [
    "Direction",
    "LinkHook",
    "Loopback",
    "LoopbackOptions",
    "MemoryLink",
    "MemoryPair",
    "loopback",
    "memoryPair",
  ],
};

/** The names between the braces of `export { … } from`. */
function exportedNames(source: string): string[] {
  const names = [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list]) => list!.split(","));
  return names
    .map((name) =>
      name
        .trim()
        .replace(/^type /, "")
        .replace(/^.* as /, ""),
    )
    .filter((name) => name !== "")
    .sort();
}

const packages = new URL("../../", import.meta.url);

test.each(Object.keys(committed))("what %s exports is what was decided", async (name) => {
  const source = await readFile(new URL(`${name}/src/index.ts`, packages), "utf8");
  expect(source).not.toMatch(/export \*/);
  expect(exportedNames(source)).toEqual([...committed[name]!].sort());
});

test("the values are there", async () => {
  const core: object = await import("@tristream/core");
  expect(Object.keys(core).sort()).toEqual([
    "Code",
    "CodeBizError",
    "ConnectError",
    "createClient",
    "createContextKey",
    "createContextValues",
    "createServer",
    "createTransport",
    "createTripleRouter",
    "mount",
    "readAttachments",
  ]);
});

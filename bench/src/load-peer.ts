// SPDX-License-Identifier: Apache-2.0
import type { Peer } from "./peer.js";

/** The compared libraries, ours first: as it comes, and with protobuf-es as its codec, which all others have. */
export const peerNames = [
  "tristream",
  "tristream-protobuf-es",
  "connect-es",
  "grpc-js",
  "nice-grpc",
] as const;

/** One of the libraries that are compared. */
export type PeerName = (typeof peerNames)[number];

/** Says whether `name` is the name of a peer. */
export function isPeerName(name: string | undefined): name is PeerName {
  return peerNames.some((known) => known === name);
}

/** The library that a peer is a setting of: those of one are not compared with each other. */
export function libraryOf(name: PeerName): string {
  return name.startsWith("tristream") ? "tristream" : name;
}

/** Loads one peer and nothing of the others. */
export async function loadPeer(name: PeerName): Promise<Peer> {
  switch (name) {
    case "tristream":
      return (await import("./peers/tristream.js")).tristream({});
    case "tristream-protobuf-es":
      return (await import("./peers/tristream.js")).tristream({ binaryOptions: {} });
    case "connect-es":
      return (await import("./peers/connect-es.js")).peer;
    case "grpc-js":
      return (await import("./peers/grpc-js.js")).peer;
    case "nice-grpc":
      return (await import("./peers/nice-grpc.js")).peer;
  }
}

// SPDX-License-Identifier: Apache-2.0

/** No newer minor: core uses subpaths of it that promise nothing between minors. */
const connect = { "@connectrpc/connect": "~2.1.2" };

/**
 * Gives gzip. It has Connect as a peer, in exactly its own version: who depends on it brings that too. 2.2.0 declares
 * Node 22.
 */
const connectNode = { "@connectrpc/connect-node": "~2.1.2" };

/** A peer, since messages and descriptors of the application must be those of the engine. The range is Connect's. */
const protobuf = { "@bufbuild/protobuf": "^2.7.0" };

/** Generated code wants the runtime of its generator, or a later one. */
const protobufOfGenerator = { "@bufbuild/protobuf": "^2.13.0" };

/**
 * What is published, and all that each may depend on: another dependency is a decision, made here with its reason.
 * `own` are packages of ours, in exactly the version that is published with them.
 */
export const published = [
  { name: "@tristream/http2", folder: "packages/http2", own: [], dependencies: {}, peers: {} },
  { name: "@tristream/codec", folder: "packages/codec", own: [], dependencies: {}, peers: protobuf },
  {
    name: "@tristream/core",
    folder: "packages/core",
    own: ["@tristream/codec"],
    dependencies: connect,
    peers: protobuf,
  },
  {
    name: "@tristream/node",
    folder: "packages/node",
    own: ["@tristream/core", "@tristream/http2"],
    dependencies: { ...connect, ...connectNode },
    peers: protobuf,
  },
  {
    name: "@tristream/testing",
    folder: "packages/testing",
    own: ["@tristream/core", "@tristream/http2"],
    dependencies: {},
    peers: protobuf,
  },
  {
    name: "@tristream/services",
    folder: "packages/services",
    own: ["@tristream/core"],
    dependencies: connect,
    peers: protobufOfGenerator,
  },
  {
    name: "@tristream/gen",
    folder: "gen",
    own: [],
    dependencies: {},
    peers: protobufOfGenerator,
    // attw doesn't expand the pattern in its exports.
    entrypoints: ["greet/greet_pb.js"],
  },
];

// SPDX-License-Identifier: Apache-2.0

/** The folders of core, and the other folders of core that each may import. */
export const coreFolders = {
  protocol: [],
  carrier: [],
  options: ["protocol"],
  runtime: ["options"],
  log: ["protocol", "runtime"],
  // What the dialects share, and one folder for each.
  dialects: ["carrier", "protocol"],
  engine: ["carrier", "dialects", "log", "options", "protocol", "runtime"],
  client: ["carrier", "dialects", "engine", "log", "options", "protocol", "runtime", "stream"],
  server: ["carrier", "dialects", "engine", "log", "mount", "options", "protocol", "runtime"],
  // A router gives handlers for Connect's adapters, made of its registrations; a mount makes a router.
  mount: ["dialects", "engine", "log", "options", "protocol", "runtime", "server"],
  stream: ["log", "options", "runtime"],
};

/**
 * The packages. `imports`: all that a package may import from outside of it, or, with `node`, the packages of this repository that it
 * may import, beside Node's own modules and its declared dependencies.
 */
export const packages = {
  http2: { imports: [] },
  codec: { imports: ["@bufbuild/protobuf", "@bufbuild/protobuf/**"] },
  core: {
    imports: ["@connectrpc/connect", "@tristream/codec", "@bufbuild/protobuf", "@bufbuild/protobuf/**"],
    folders: coreFolders,
    // Connect's subpaths, in the one file for them.
    files: { "connect-private.ts": ["@connectrpc/connect/**"] },
  },
  node: { node: true, imports: ["@tristream/core", "@tristream/http2"] },
  services: {
    imports: ["@connectrpc/connect", "@tristream/core", "@bufbuild/protobuf", "@bufbuild/protobuf/**"],
  },
  testing: { node: true, imports: ["@tristream/core", "@tristream/http2"] },
};

/** Programs that see of the packages what users see. None imports another one; `wire` is what they share. */
export const programs = ["samples", "interop", "stress", "attacks", "bench", "wire"];

// SPDX-License-Identifier: Apache-2.0
import type { ChannelOptions, ServerOptions } from "@grpc/grpc-js";

/**
 * The fastest options of grpc-js that we know, for it and for nice-grpc on top of it; bench/README.md says what was tried.
 * The first one is what matters: grpc-js keeps messages for a retry and walks through all that it keeps whenever one
 * has been written, so that by default a long stream of small requests is ten times slower.
 */
export const channelOptions: ChannelOptions = {
  "grpc.per_rpc_retry_buffer_size": 16 * 1024,
  "grpc.enable_channelz": 0,
  "grpc-node.flow_control_window": 1024 * 1024,
};

/** The same for servers, which have no option for their windows. */
export const serverOptions: ServerOptions = { "grpc.enable_channelz": 0 };

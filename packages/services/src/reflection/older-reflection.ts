// SPDX-License-Identifier: Apache-2.0

/** The name of reflection before v1. The messages of both are the same on the wire. */
export const olderReflection = "grpc.reflection.v1alpha.ServerReflection";

// SPDX-License-Identifier: Apache-2.0
import type { Dialect } from "./dialect.js";
import { grpc } from "./grpc/grpc.js";

/** The dialects that a server answers, in the order in which they are asked for a request. */
export const serverDialects: readonly Dialect[] = [grpc];

/** The dialect in which a transport makes its calls. */
export const transportDialect: Dialect = grpc;

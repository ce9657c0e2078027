// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  type Clock,
  checkOptions,
  createClient,
  type OptionKind,
  type OptionKinds,
  optionKinds,
  systemClock,
} from "@tristream/core";
import {
  Health as HealthService,
  HealthCheckResponse_ServingStatusSchema as ServingStatusSchema,
} from "../schemas/grpc/health/v1/health_pb.js";
import { formatServiceKey, type ServiceKey } from "../service-key.js";
import type { HealthStatus } from "./health.js";

/** The status of a service as a client sees it. */
export type WatchedStatus =
  | HealthStatus
  /** The server has no such service. */
  | "SERVICE_UNKNOWN"
  /** The server can't be reached, or its stream broke; it is asked again. */
  | "UNREACHABLE"
  /** The server has no health service: it is not asked again. */
  | "UNIMPLEMENTED";

/** Options of {@link watchHealth}. */
export interface WatchHealthOptions {
  /** Ends the watch: the loop throws its reason. Default: leaving the loop ends it. */
  readonly signal?: AbortSignal | undefined;
  /** The delay before the first new attempt, in milliseconds from 1; each further one is twice as long. Default 1000. */
  readonly retryMs?: number | undefined;
  /** The longest delay, in milliseconds from 1. Default 30,000. */
  readonly maxRetryMs?: number | undefined;
  /** The clock of the delays. Default: the runtime's. */
  readonly clock?: Clock | undefined;
}

/** The longest delay that a timer takes, in milliseconds. */
const longestDelay = 2 ** 31 - 1;

const delayKind: OptionKind = {
  accepts: (value) => typeof value === "number" && value >= 1 && value <= longestDelay,
  wanted: `milliseconds from 1 to ${longestDelay}`,
};

const watchOptionKinds: OptionKinds<WatchHealthOptions> = {
  signal: optionKinds.signal,
  retryMs: delayKind,
  maxRetryMs: delayKind,
  clock: optionKinds.clock,
};

/**
 * Watches the status of a service, `""` for the whole server: gives it now, and each time that it changes. The watch goes on when the
 * server goes away and comes back. It ends by `break`, by the signal, or after `UNIMPLEMENTED`.
 *
 * Throws `InvalidArgument` for a wrong option. The loop throws `Canceled` when the signal fires, and the error of the server if it refuses
 * the watch: `Unauthenticated`, for one.
 */
export function watchHealth(
  transport: Transport,
  service: string | ServiceKey,
  options: WatchHealthOptions = {},
): AsyncGenerator<WatchedStatus, void> {
  checkOptions("watchHealth", options, watchOptionKinds);
  return watch(transport, service, options);
}

async function* watch(
  transport: Transport,
  service: string | ServiceKey,
  options: WatchHealthOptions,
): AsyncGenerator<WatchedStatus, void> {
  const { signal, retryMs = 1000, maxRetryMs = 30_000, clock = systemClock } = options;
  const client = createClient(HealthService, transport);
  let last: WatchedStatus | undefined;
  let delay = Math.min(retryMs, maxRetryMs);
  for (;;) {
    let error: ConnectError | null = null;
    try {
      const stream = client.watch({ service: formatServiceKey(service) }, { signal });
      for await (const { status } of stream) {
        const name = (ServingStatusSchema.value[status]?.name ?? "UNKNOWN") as WatchedStatus;
        delay = Math.min(retryMs, maxRetryMs);
        if (name !== last) yield name;
        last = name;
      }
    } catch (reason) {
      error = ConnectError.from(reason);
    }
    if (signal?.aborted === true) throw error ?? ConnectError.from(signal.reason, Code.Canceled);
    if (error?.code === Code.Unimplemented) {
      yield "UNIMPLEMENTED";
      return;
    }
    // An orderly end is one too: a server that shuts down ends its watches.
    if (error !== null && error.code !== Code.Unavailable && error.code !== Code.Canceled) throw error;
    if (last !== "UNREACHABLE") yield "UNREACHABLE";
    last = "UNREACHABLE";
    await pause(delay, clock, signal);
    throwIfAborted(signal);
    delay = Math.min(delay * 2, maxRetryMs);
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw ConnectError.from(signal.reason, Code.Canceled);
}

/** Waits; a signal that fires or has fired ends the wait. */
async function pause(ms: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

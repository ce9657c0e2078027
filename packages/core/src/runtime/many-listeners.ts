// SPDX-License-Identifier: Apache-2.0

/** Node's `events.setMaxListeners`. */
export type SetMaxListeners = (limit: number, ...signals: AbortSignal[]) => void;

let provided: SetMaxListeners | null = null;

/**
 * Sets the function by which this runtime lets a signal have many listeners without a warning. A runtime's package calls this when it
 * is loaded; later functions are ignored.
 */
export function provideMaxListeners(given: SetMaxListeners): void {
  provided ??= given;
}

/** Lets a signal that all calls share have a listener of each of them: Node warns of more than ten. */
export function allowManyListeners(signal: AbortSignal): void {
  provided?.(0, signal);
}

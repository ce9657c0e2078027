// SPDX-License-Identifier: Apache-2.0

/** A call, or a stream helper's object, that a signal ends. */
export interface EndedBySignal {
  /** The signal has fired. */
  signalFired(signal: AbortSignal): void;
}

/** True if something is an `AbortSignal`, of this program or of another realm. */
export function isSignal(value: unknown): value is AbortSignal {
  const signal = value as Partial<AbortSignal> | null | undefined;
  return typeof signal?.aborted === "boolean" && typeof signal.addEventListener === "function";
}

const sharedSignals = new WeakMap<AbortSignal, SharedSignal>();

/**
 * A user's signal with the calls that it ends, by one listener however many they are: a signal looks through all of its
 * listeners when one is added or taken off, and Node warns of more than ten. The listener is on it while there are calls;
 * a signal that lives on keeps none that has ended.
 */
export class SharedSignal {
  private readonly signal: AbortSignal;
  private readonly calls = new Set<EndedBySignal>();

  private constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** The one of a signal. */
  static of(signal: AbortSignal): SharedSignal {
    let shared = sharedSignals.get(signal);
    if (shared === undefined) {
      shared = new SharedSignal(signal);
      sharedSignals.set(signal, shared);
    }
    return shared;
  }

  /** The signal, if it has fired. */
  get firedSignal(): AbortSignal | undefined {
    return this.signal.aborted ? this.signal : undefined;
  }

  /** `call` ends when the signal fires, which it must not have done yet. */
  add(call: EndedBySignal): void {
    this.calls.add(call);
    if (this.calls.size === 1) this.signal.addEventListener("abort", this.fire);
  }

  /** `call` has ended. Nothing if it is not here; also while the signal fires. */
  delete(call: EndedBySignal): void {
    if (this.calls.delete(call) && this.calls.size === 0) this.signal.removeEventListener("abort", this.fire);
  }

  /** Ends all calls, and then throws the first error that one of them threw: the signal reports it as any listener's. */
  private readonly fire = (): void => {
    let fault: { readonly error: unknown } | null = null;
    for (const call of this.calls) {
      this.delete(call);
      try {
        call.signalFired(this.signal);
      } catch (error) {
        fault ??= { error };
      }
    }
    if (fault !== null) throw fault.error;
  };
}

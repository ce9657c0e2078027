// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { wrongArgument } from "../../options/check-options.js";
import { isThenable } from "../../runtime/iterator.js";
import type { TripleContext } from "../call/triple-context.js";

/**
 * The loops of one driven call: its handler, and what `stream.run()` has joined. The first error of a loop is the call's; the call ends
 * well when all loops have ended.
 */
export class DrivenLoops {
  /** `package.Service/Method`. */
  readonly name: string;
  /** Called once, when all loops have ended and none has thrown. */
  whenEnded: () => void = nothing;
  /** Called once, with the error of the first loop that throws. */
  whenFailed: (error: unknown) => void = nothing;
  /** Called once, when all loops have ended and one of them has thrown. */
  whenSettled: () => void = nothing;
  /** The first loop's error, in an object: a loop may throw undefined. */
  failure: { readonly error: unknown } | null = null;
  /** An error of a later loop that says more than that the call has ended. */
  lateError: unknown = undefined;
  private readonly context: TripleContext;
  private running = 0;
  private ended = false;
  private left = false;
  private unread: ConnectError | null = null;

  constructor(name: string, context: TripleContext) {
    this.name = name;
    this.context = context;
  }

  /** True if no loop runs any more. */
  get settled(): boolean {
    return this.running === 0;
  }

  /** True if the call goes on: messages may be received and sent. */
  get open(): boolean {
    return this.failure === null && !this.left && !this.ended;
  }

  /** The call is over, or its responses are read no further. The reason is known one microtask later. */
  leave(): void {
    this.left = true;
  }

  /** Why messages are neither received nor sent any more. */
  get reason(): unknown {
    if (this.failure !== null) return this.failure.error;
    if (this.left) {
      const { signal } = this.context;
      if (signal.aborted) return signal.reason;
      this.unread ??= new ConnectError(`the responses of ${this.name} are read no further`, Code.Canceled);
      return this.unread;
    }
    return new ConnectError(
      `the handler of ${this.name} has ended: await what it starts, or join the loop to the call by stream.run()`,
      Code.FailedPrecondition,
    );
  }

  /** A promise that rejects with the reason. A rejection that no code awaits is not unhandled. */
  refuse(): Promise<never> {
    const refused = Promise.resolve().then(() => {
      throw this.reason;
    });
    refused.catch(nothing);
    return refused;
  }

  /** Joins a loop of the user's. */
  run(loop: () => Promise<unknown>): void {
    if (typeof loop !== "function")
      throw wrongArgument(`the loop of stream.run() of ${this.name}`, loop, "async () => { … }");
    // A client stream has no responses whose end would tell.
    if (!this.ended && this.context.signal.aborted) this.leave();
    if (!this.open) throw this.reason;
    this.join(loop);
  }

  /** Calls a loop, and waits for its end. */
  join(loop: () => unknown): void {
    this.running++;
    let result: unknown;
    try {
      result = loop();
    } catch (error) {
      this.loopFailed(error);
      return;
    }
    if (isThenable(result)) Promise.resolve(result).then(this.loopEnded, this.loopFailed);
    else this.loopEnded();
  }

  private readonly loopEnded = (): void => {
    if (--this.running > 0) return;
    if (this.failure === null) {
      this.ended = true;
      this.whenEnded();
    } else this.whenSettled();
  };

  private readonly loopFailed = (error: unknown): void => {
    this.running--;
    if (this.failure === null) {
      this.failure = { error };
      this.whenFailed(error);
    } else if (!(error instanceof ConnectError)) this.lateError ??= error;
    if (this.running === 0) this.whenSettled();
  };
}

function nothing(): void {}

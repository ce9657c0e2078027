// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";
import type { Clock } from "@tristream/core";

/**
 * Waits for a socket's first bytes, and leaves them in it: whoever reads the socket next gets them. `then` is not called if the socket
 * closes before. A socket that sends nothing within `timeoutMs` is destroyed; `late` is called before.
 */
export function peek(
  socket: Socket,
  timeoutMs: number,
  clock: Clock,
  then: (first: Uint8Array) => void,
  late: () => void,
): void {
  const cancel = clock.after(
    timeoutMs,
    () => {
      late();
      socket.destroy();
    },
    { background: true },
  );
  const ignoreError = (): void => {};
  socket.on("error", ignoreError);
  socket.once("close", cancel);
  socket.once("data", (first: Buffer) => {
    cancel();
    socket.pause();
    socket.off("close", cancel);
    socket.unshift(first);
    then(first);
    socket.off("error", ignoreError);
  });
}

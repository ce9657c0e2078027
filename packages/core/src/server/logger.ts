// SPDX-License-Identifier: Apache-2.0

/** Where a server or client says what its owner should know. `console` is one. */
export interface Logger {
  error(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  debug(message: string, ...details: unknown[]): void;
}

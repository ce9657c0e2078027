// SPDX-License-Identifier: Apache-2.0

/** Where a server says what its owner should know. `console` is one. */
export interface Logger {
  error(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  debug(message: string, ...details: unknown[]): void;
}

/** `console`, looked up at each call so that a test may replace it, without `debug`, which takes a logger of one's own. */
export const defaultLogger: Logger = {
  error: (message, ...details) => console.error(message, ...details),
  warn: (message, ...details) => console.warn(message, ...details),
  info: (message, ...details) => console.info(message, ...details),
  debug() {},
};

// SPDX-License-Identifier: Apache-2.0
import { type Code, ConnectError } from "@connectrpc/connect";
import { printable } from "../protocol/printable.js";

/** An error that a peer sent. Its `message`, which programs print, holds no control characters; its `rawMessage` is the peer's text. */
export function receivedError(text: string, code: Code, metadata: HeadersInit | undefined): ConnectError {
  const error = new ConnectError(printable(text), code, metadata);
  if (error.rawMessage !== text) (error as { rawMessage: string }).rawMessage = text;
  return error;
}

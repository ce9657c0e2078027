// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@connectrpc/connect";
import { TooManyElementsError } from "@tristream/codec";

/** The error of a call with a message of `bytes` that has too many elements. */
export function tooManyElements(bytes: number, cause: TooManyElementsError): ConnectError {
  const { maxElements } = cause;
  return new ConnectError(
    `message of ${bytes} bytes has more elements (messages, list and map entries, unknown fields) than the limit of ${maxElements}: raise readMaxElements where it is received`,
    Code.ResourceExhausted,
    undefined,
    undefined,
    cause,
  );
}

/** Counts the elements of a message of `bytes`. Throws the call's error if there are too many. */
export function counting(bytes: number, count: () => void): void {
  try {
    count();
  } catch (error) {
    throw error instanceof TooManyElementsError ? tooManyElements(bytes, error) : error;
  }
}

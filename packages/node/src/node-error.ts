// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError } from "@tristream/core";

/** The meaning of the operating system's error codes for a failed attempt to connect. */
const connectReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: start the server, or correct the address",
  ENOENT: "there is no such socket: start the server, or correct the path",
  EACCES: "not permitted: check the rights of the socket's file",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name could not be resolved now",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "the host can't be reached",
  ENETUNREACH: "the network can't be reached",
  ECONNRESET: "the connection was closed at once",
};

/** The error of a connection that could not be made. */
export function connectError(address: string, cause: unknown): ConnectError {
  return new ConnectError(
    `can't connect to ${address}: ${connectReason(cause)}`,
    Code.Unavailable,
    undefined,
    undefined,
    cause,
  );
}

/** The reason why a connection could not be made. */
export function connectReason(cause: unknown): string {
  return connectReasons[errorCode(cause)] ?? (cause instanceof Error ? cause.message : String(cause));
}

/** The meaning of the operating system's error codes for a lost connection. */
const lostReasons: Readonly<Record<string, string>> = {
  ECONNRESET: "the other end reset it, or its process was killed (ECONNRESET)",
  EPIPE: "the other end has closed it (EPIPE)",
  ETIMEDOUT: "the other end's machine does not answer any more (ETIMEDOUT)",
};

/** The error of a connection that was lost. */
export function lostError(cause: Error): Error {
  const reason = lostReasons[errorCode(cause)];
  return reason === undefined ? cause : new Error(reason, { cause });
}

/** The error of a port or path that could not be listened on. */
export function listenError(address: string, cause: unknown): ConnectError {
  const code = errorCode(cause);
  const make = (reason: string, status: Code): ConnectError =>
    new ConnectError(`can't listen on ${address}: ${reason}`, status, undefined, undefined, cause);
  if (code === "EADDRINUSE")
    return make("it is taken: stop what listens there, or choose another one", Code.AlreadyExists);
  if (code === "EACCES")
    return make(
      "not permitted: ports below 1024 need rights, files need a folder that can be written",
      Code.PermissionDenied,
    );
  if (code === "ENOTFOUND") return make("the host name is unknown", Code.InvalidArgument);
  if (code === "EAI_AGAIN") return make("the host name could not be resolved now", Code.Unavailable);
  if (code === "ERR_SOCKET_BAD_PORT") return make("use a port from 0 to 65535", Code.InvalidArgument);
  if (code === "EADDRNOTAVAIL") return make("this machine has no such address", Code.InvalidArgument);
  return make(cause instanceof Error ? cause.message : String(cause), Code.Unavailable);
}

function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

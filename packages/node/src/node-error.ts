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

/** The meaning of OpenSSL's errors about a certificate, from the view of the one who checks it. */
const certificateFaults: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted("was signed by an authority that is not trusted"),
  UNABLE_TO_GET_ISSUER_CERT: untrusted("was signed by an authority that is not trusted"),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted("was signed by an authority that is not trusted"),
  SELF_SIGNED_CERT_IN_CHAIN: untrusted("was signed by an authority that is not trusted"),
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted("is signed by itself, and not trusted"),
  CERT_UNTRUSTED: untrusted("is not trusted"),
  CERT_SIGNATURE_FAILURE: untrusted("has a wrong signature"),
  INVALID_CA: untrusted("was signed by a certificate that is not an authority's"),
  INVALID_PURPOSE:
    "it is not meant for this purpose: issue one with the extended key usage serverAuth or clientAuth, as its owner is a server or client",
  CERT_HAS_EXPIRED: "it has expired: renew it, or set this machine's clock",
  CERT_NOT_YET_VALID: "it is not valid yet: set this machine's clock, or wait",
  CERT_REVOKED: "it was revoked: issue a new one",
};

function untrusted(how: string): string {
  return `it ${how}: pass the authority's certificate as option tls.ca, or use a certificate that a trusted authority has signed`;
}

/** The fault of a certificate, by the code of OpenSSL. */
export function certificateFault(code: string): string {
  return certificateFaults[code] ?? code;
}

/** The meaning of TLS's errors, and of alerts that the other end has sent. */
const tlsReasons: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER:
    "the other end does not speak TLS: use its cleartext address (tri:// without option tls, or http://), or its TLS port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    "the other end does not speak TLS: use its cleartext address (tri:// without option tls, or http://), or its TLS port",
  ERR_SSL_HTTP_REQUEST: "the other end speaks HTTP in cleartext, but this port speaks TLS: use https://",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the other end's version of TLS is too old: let it speak TLS 1.2 or later",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION:
    "the other end refuses this end's version of TLS: align the versions of both",
  ERR_SSL_NO_SHARED_CIPHER:
    "the two ends have no cipher in common: align the ciphers or kinds of keys of both",
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    "the other end refused the handshake: the two have no cipher in common, or it requires a client certificate (options tls.key and tls.cert)",
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    "the other end speaks TLS, but not HTTP/2 (ALPN h2): use a port that speaks it",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "the other end does not offer HTTP/2 (ALPN h2)",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    "the server requires a client certificate: connect with tls.key and tls.cert",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the other end does not trust the authority of this end's certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "the other end does not accept this end's certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the other end does not accept this end's certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "the other end says that this end's certificate has expired",
  ERR_TLS_HANDSHAKE_TIMEOUT: "the handshake of TLS took too long (option http2.prefaceTimeoutMs)",
};

/** The meaning of an error of TLS, by its code of OpenSSL 3.0 or 3.2, which names alerts otherwise; undefined for others. */
export function tlsReason(error: unknown): string | undefined {
  const code = errorCode(error);
  const fault = certificateFaults[code];
  return fault === undefined
    ? tlsReasons[code.replace("SSL/TLS_ALERT", "SSLV3_ALERT")]
    : `its certificate can't be used: ${fault}`;
}

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
  return (
    connectReasons[errorCode(cause)] ??
    tlsReason(cause) ??
    (cause instanceof Error ? cause.message : String(cause))
  );
}

/** The meaning of the operating system's error codes for a lost connection. */
const lostReasons: Readonly<Record<string, string>> = {
  ECONNRESET: "the other end reset it, or its process was killed (ECONNRESET)",
  EPIPE: "the other end has closed it (EPIPE)",
  ETIMEDOUT: "the other end's machine does not answer any more (ETIMEDOUT)",
};

/** The error of a connection that was lost. */
export function lostError(cause: Error): Error {
  const reason = lostReasons[errorCode(cause)] ?? tlsReason(cause);
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

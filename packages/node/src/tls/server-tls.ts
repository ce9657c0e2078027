// SPDX-License-Identifier: Apache-2.0
import { constants } from "node:crypto";
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
} from "node:tls";
import {
  Code,
  ConnectError,
  checkOptions,
  type OptionKind,
  type OptionKinds,
  optionKinds,
  wrongArgument,
} from "@tristream/core";
import { isPath, type Pem, readCertificates, readPem } from "./pem.js";

/** How a server speaks TLS. */
export interface ServerTlsOptions {
  /** The private key: PEM as text or bytes, or the path of a file. */
  key: Pem;
  /** The certificate, followed by those between it and the root: PEM as text or bytes, or the path of a file. */
  cert: Pem;
  /**
   * The authorities whose client certificates are trusted. A client may then show a certificate; the server refuses a certificate
   * that none of them signed. Default: no certificate is asked for.
   */
  ca?: Pem | readonly Pem[] | undefined;
  /** Refuses clients without a certificate. Needs `ca`. Default false. */
  requireClientCertificate?: boolean | undefined;
  /** The lowest version of TLS. Default "TLSv1.2". */
  minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  /**
   * Milliseconds between two looks at the files that were given by their paths; 0 for none. Files that changed are read again, and new
   * connections get what they hold; open connections go on. Files that can't be used are logged, and what was read before stays. Default 10,000.
   */
  watchIntervalMs?: number | undefined;
}

const pem: OptionKind = {
  accepts: (value) => typeof value === "string" || value instanceof Uint8Array,
  wanted: "PEM as a string or bytes, or the path of a file",
};

/** One PEM, or several. */
export const pems: OptionKind = {
  accepts: (value) =>
    pem.accepts(value) || (Array.isArray(value) && value.length > 0 && value.every(pem.accepts)),
  wanted: `${pem.wanted}, or an array of these`,
};

const versions: readonly SecureVersion[] = ["TLSv1.2", "TLSv1.3"];

const serverTlsKinds: OptionKinds<ServerTlsOptions> = {
  key: pem,
  cert: pem,
  ca: pems,
  requireClientCertificate: optionKinds.flag,
  minVersion: {
    accepts: (value) => versions.includes(value as SecureVersion),
    wanted: '"TLSv1.2" or "TLSv1.3"',
  },
  watchIntervalMs: {
    accepts: (value) => typeof value === "number" && value >= 0 && value <= 2 ** 31 - 1,
    wanted: "milliseconds from 0 (never) to 2147483647",
  },
};

/** The option `tls` of a server. */
export const serverTlsKind: OptionKind = { ...optionKinds.object, names: Object.keys(serverTlsKinds) };

/** The server's side of TLS, as Node takes it. */
export interface ServerTls {
  readonly context: SecureContextOptions;
  /** A certificate is asked for. */
  readonly asksCertificate: boolean;
  /** A client without a certificate is refused. */
  readonly needsCertificate: boolean;
  readonly watchIntervalMs: number;
  /** Some of it was given by the path of a file. */
  readonly hasFiles: boolean;
}

/** Reads and checks the option `tls` of a server. Throws `InvalidArgument` that says which option can't be used, and why. */
export function serverTls(owner: string, given: ServerTlsOptions): ServerTls {
  checkOptions(owner, given, serverTlsKinds);
  for (const name of ["key", "cert"] as const)
    if (given[name] === undefined) throw wrongArgument(`option ${name} of ${owner}`, undefined, pem.wanted);
  const needsCertificate = given.requireClientCertificate ?? false;
  if (needsCertificate && given.ca === undefined) {
    throw invalid(
      `option requireClientCertificate of ${owner} needs option ca: pass the certificate of the authority that signs the clients'`,
    );
  }
  const ca = given.ca === undefined ? [] : listOf(given.ca);
  const asksCertificate = ca.length > 0;
  const context: SecureContextOptions = {
    key: readPem(`${owner}.key`, given.key),
    cert: readCertificates(`${owner}.cert`, given.cert),
    ...(asksCertificate && { ca: ca.map((each) => readCertificates(`${owner}.ca`, each)) }),
    minVersion: given.minVersion ?? "TLSv1.2",
    // Renegotiation costs the server most of a handshake. A resumed session would keep the trust in an authority that was taken away.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (asksCertificate ? constants.SSL_OP_NO_TICKET : 0),
  };
  checkedContext(owner, context);
  return {
    context,
    asksCertificate,
    needsCertificate,
    watchIntervalMs: given.watchIntervalMs ?? 10_000,
    hasFiles: [given.key, given.cert, ...ca].some(isPath),
  };
}

/** Makes a context. Throws `InvalidArgument` for a key and certificates that OpenSSL can't use. */
export function checkedContext(owner: string, context: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(context);
  } catch (cause) {
    throw invalid(`the key and certificates of ${owner} can't be used: ${contextReason(cause)}`, cause);
  }
}

function contextReason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH") return "the key does not belong to the certificate";
  if (
    code === "ERR_OSSL_BAD_DECRYPT" ||
    code === "ERR_MISSING_PASSPHRASE" ||
    /passphrase|bad decrypt/i.test(message)
  )
    return "the key is encrypted: pass it decrypted";
  return message;
}

/** One value, or several, as a list. */
export function listOf(given: Pem | readonly Pem[]): readonly Pem[] {
  return typeof given === "string" || given instanceof Uint8Array ? [given] : given;
}

function invalid(message: string, cause?: unknown): ConnectError {
  return new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
}

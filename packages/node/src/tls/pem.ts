// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { Code, ConnectError } from "@tristream/core";

/** A key or certificates in PEM: the text, its bytes, or the path of a file that has them. */
export type Pem = string | Uint8Array;

/** Every PEM text has these characters, and no sensible path has them. */
const pemMark = "-----BEGIN ";

/** True for the path of a file, as opposed to PEM itself. */
export function isPath(given: Pem): given is string {
  return typeof given === "string" && !given.includes(pemMark);
}

/** Reads certificates. Throws as `readPem` does, and for PEM of another kind, which OpenSSL would take for no certificates at all. */
export function readCertificates(option: string, given: Pem): string {
  const text = readPem(option, given);
  if (/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(text)) return text;
  throw invalid(
    `option ${option} holds PEM, but no certificate: pass one that begins with "-----BEGIN CERTIFICATE-----"`,
  );
}

/** Reads a key or certificates. Throws `InvalidArgument` that names the option, for a file that can't be read or that holds no PEM. */
export function readPem(option: string, given: Pem): string {
  if (!isPath(given)) return checkedPem(option, typeof given === "string" ? given : textOf(given), option);
  let text: string;
  try {
    text = readFileSync(given, "latin1");
  } catch (cause) {
    if (mayBeKey(given)) {
      throw invalid(`option ${option} is neither PEM nor the path of a file (${given.length} characters)`);
    }
    throw invalid(
      `option ${option} names the file ${JSON.stringify(given)}, which can't be read: ${reasonOf(cause)}`,
      cause,
    );
  }
  return checkedPem(option, text, `the file ${JSON.stringify(given)} of option ${option}`);
}

/** True for a text that can hardly be a path, and may be a key without its PEM lines: it must get into no log. */
function mayBeKey(given: string): boolean {
  if (given.length > 255 || /[\r\n\0]/.test(given)) return true;
  if (!/^[A-Za-z0-9+/=_-]{40,}$/.test(given)) return false;
  const folder = dirname(given);
  return folder === "." || folder === "/" || !existsSync(folder);
}

function checkedPem(option: string, text: string, what: string): string {
  if (text.includes(pemMark)) return text;
  throw invalid(
    `${what} holds no PEM: pass a text with "${pemMark}…", its bytes, or the path of such a file as ${option}`,
  );
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  return code === "EACCES" ? "not permitted" : message;
}

function invalid(message: string, cause?: unknown): ConnectError {
  return new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
}

// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { PeerCertificate } from "@tristream/core";

/** The certificate that the other end of a connection has shown; undefined if it has shown none. */
export function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  return raw === undefined ? undefined : describeCertificate(new X509Certificate(raw));
}

function describeCertificate(certificate: X509Certificate): PeerCertificate {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    subjectAltNames: splitNames(certificate.subjectAltName),
    fingerprint: certificate.fingerprint256,
    validFrom: certificate.validFrom,
    validTo: certificate.validTo,
    raw: certificate.raw,
  };
}

/** Node gives one attribute of a distinguished name a line. */
function oneLine(name: string | undefined): string {
  return (name ?? "").split("\n").join(", ");
}

/** `DNS:a, IP Address:b` as a list. A name that holds a comma is a JSON string in Node's text. */
function splitNames(text: string | undefined): string[] {
  return [...(text ?? "").matchAll(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g)].map(([name]) => name.trim());
}

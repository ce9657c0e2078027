// SPDX-License-Identifier: Apache-2.0
import "reflect-metadata";
import { createHash, createPublicKey, randomBytes, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A key and its certificate, in PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
  /** The pin of its public key. */
  readonly pin: string;
}

/** An authority that signs certificates for tests. */
export interface Authority extends Identity {
  /** Makes a key, and a certificate that the authority signs. */
  issue(subject: CertificateSubject): Promise<Identity>;
  /** A certificate with the authority's name, but with the public key of `owner`. The authority has not signed it. */
  forge(owner: Identity): Promise<string>;
}

/** What a certificate says. */
export interface CertificateSubject {
  readonly name: string;
  /** Default: `DNS:localhost` and `IP:127.0.0.1`. */
  readonly names?: readonly { readonly type: "dns" | "ip" | "url"; readonly value: string }[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const hour = 3_600_000;
const here = [
  { type: "dns", value: "localhost" },
  { type: "ip", value: "127.0.0.1" },
] as const;

/** Makes an authority, whose certificate it signs itself. */
export async function makeAuthority(name: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certify = async (
    subject: CertificateSubject,
    publicKey: webcrypto.CryptoKey,
    extensions: Extension[],
    signingKey = keys.privateKey,
  ): Promise<string> => {
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: randomBytes(8).toString("hex"),
        subject: `CN=${subject.name}`,
        issuer: `CN=${name}`,
        notBefore: subject.notBefore ?? new Date(Date.now() - hour),
        notAfter: subject.notAfter ?? new Date(Date.now() + hour),
        publicKey,
        signingKey,
        signingAlgorithm: algorithm,
        extensions,
      },
      webcrypto as never,
    );
    return certificate.toString("pem");
  };
  const cert = await certify({ name }, keys.publicKey, [
    new BasicConstraintsExtension(true, undefined, true),
  ]);
  return {
    ...(await identityOf(keys, cert)),
    async issue(subject) {
      const own = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const issued = await certify(subject, own.publicKey, [
        new SubjectAlternativeNameExtension([...(subject.names ?? here)]),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      ]);
      return identityOf(own, issued);
    },
    async forge(owner) {
      const [theirs, own] = await Promise.all([
        webcrypto.subtle.importKey("spki", spkiOf(owner.cert), algorithm, true, ["verify"]),
        webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]),
      ]);
      const extensions = [new BasicConstraintsExtension(true, undefined, true)];
      return certify({ name }, theirs, extensions, own.privateKey);
    },
  };
}

async function identityOf(keys: webcrypto.CryptoKeyPair, cert: string): Promise<Identity> {
  const der = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    key: PemConverter.encode(der, "PRIVATE KEY"),
    cert,
    pin: createHash("sha256").update(spkiOf(cert)).digest("base64"),
  };
}

function spkiOf(cert: string): Buffer {
  return createPublicKey(cert).export({ type: "spki", format: "der" });
}

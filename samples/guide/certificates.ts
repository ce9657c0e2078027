// SPDX-License-Identifier: Apache-2.0
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A key and its certificate, in PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** An authority of this program, and what it signs: for `localhost` and `127.0.0.1`, for a day. */
export async function makeAuthority(): Promise<{ ca: string; issue(name: string): Promise<Identity> }> {
  const keys = await makeKeys();
  const sign = async (
    name: string,
    publicKey: webcrypto.CryptoKey,
    isAuthority: boolean,
  ): Promise<string> => {
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: randomBytes(8).toString("hex"),
        subject: `CN=${name}`,
        issuer: "CN=Guide",
        notBefore: new Date(Date.now() - 60_000),
        notAfter: new Date(Date.now() + 86_400_000),
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new BasicConstraintsExtension(isAuthority, undefined, true),
          new SubjectAlternativeNameExtension([
            { type: "dns", value: "localhost" },
            { type: "ip", value: "127.0.0.1" },
          ]),
        ],
      },
      webcrypto as never,
    );
    return certificate.toString("pem");
  };
  return {
    ca: await sign("Guide", keys.publicKey, true),
    async issue(name) {
      const own = await makeKeys();
      const der = await webcrypto.subtle.exportKey("pkcs8", own.privateKey);
      return { key: PemConverter.encode(der, "PRIVATE KEY"), cert: await sign(name, own.publicKey, false) };
    },
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

// SPDX-License-Identifier: Apache-2.0
import { createHash, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
} from "node:tls";
import {
  Code,
  ConnectError,
  checkOptions,
  type OptionKind,
  type OptionKinds,
  optionKinds,
} from "@tristream/core";
import { type Pem, readCertificates, readPem } from "./pem.js";
import { checkedContext, listOf, pems } from "./server-tls.js";

/**
 * How a client speaks TLS. Files that are given by their paths are read for each connection. While they can't be used, as in the middle
 * of a renewal, what was read before counts.
 */
export interface ClientTlsOptions {
  /** The authorities that are trusted: PEM as text or bytes, or paths of files. Default: Node's own. */
  ca?: Pem | readonly Pem[] | undefined;
  /** The private key of the client's certificate: PEM as text or bytes, or the path of a file. */
  key?: Pem | undefined;
  /** The client's certificate, followed by those between it and the root: PEM as text or bytes, or the path of a file. */
  cert?: Pem | undefined;
  /** The name that the server's certificate has to have, and that the client asks for. Default: the host of the address. */
  serverName?: string | undefined;
  /**
   * The public keys that are accepted, each as base64 of the SHA-256 of its SubjectPublicKeyInfo. The key of the server's certificate
   * or of a certificate that signed it has to be among them. The certificate is checked, too. Default: any.
   */
  pins?: readonly string[] | undefined;
}

const clientTlsKinds: OptionKinds<ClientTlsOptions> = {
  ca: pems,
  key: { ...pems, accepts: (value) => !Array.isArray(value) && pems.accepts(value) },
  cert: { ...pems, accepts: (value) => !Array.isArray(value) && pems.accepts(value) },
  serverName: optionKinds.text,
  pins: {
    accepts: (value) => Array.isArray(value) && value.length > 0 && value.every((pin) => isPin(pin)),
    wanted: "an array of base64 texts of SHA-256, 44 characters each",
  },
};

/** The option `tls` of a transport. */
export const clientTlsKind: OptionKind = { ...optionKinds.object, names: Object.keys(clientTlsKinds) };

function isPin(pin: unknown): boolean {
  return typeof pin === "string" && /^[A-Za-z0-9+/]{43}=$/.test(pin);
}

/** The client's side of TLS: the options of Node's sockets, for each connection. */
export class ClientTls {
  private readonly given: ClientTlsOptions;
  private files: string;
  private context: SecureContext;

  /** Throws `InvalidArgument` that says which option can't be used, and why. */
  constructor(owner: string, given: ClientTlsOptions) {
    checkOptions(owner, given, clientTlsKinds);
    if ((given.key === undefined) !== (given.cert === undefined)) {
      const [has, lacks] = given.key === undefined ? ["cert", "key"] : ["key", "cert"];
      throw new ConnectError(
        `option ${has} of ${owner} needs option ${lacks}: pass both, or none`,
        Code.InvalidArgument,
      );
    }
    this.given = given;
    const read = this.read();
    this.context = checkedContext(owner, read);
    this.files = JSON.stringify(read);
  }

  /** The options of a connection to `host`, which the certificate has to name. */
  optionsFor(host: string): ConnectionOptions {
    const name = this.given.serverName ?? host;
    const { pins } = this.given;
    return {
      ALPNProtocols: ["h2"],
      secureContext: this.currentContext(),
      // A client must not ask for an IP address as a name (RFC 6066 §3); the certificate is compared with it all the same.
      servername: isIP(name) === 0 ? name : "",
      // NODE_TLS_REJECT_UNAUTHORIZED=0 is for everything in a process, and would leave out pins and names, too.
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) =>
        checkName(name, certificate) ?? (pins === undefined ? undefined : checkPins(pins, certificate)),
    };
  }

  private read(): SecureContextOptions {
    const { ca, key, cert } = this.given;
    return {
      ...(ca !== undefined && { ca: listOf(ca).map((each) => readCertificates("tls.ca", each)) }),
      ...(key !== undefined && { key: readPem("tls.key", key) }),
      ...(cert !== undefined && { cert: readCertificates("tls.cert", cert) }),
    };
  }

  /** The context is costly, and made anew only when a file has changed. */
  private currentContext(): SecureContext {
    try {
      const read = this.read();
      const files = JSON.stringify(read);
      if (files !== this.files) {
        this.context = createSecureContext(read);
        this.files = files;
      }
    } catch {
      // A renewal replaces one file after the other.
    }
    return this.context;
  }
}

function checkName(name: string, certificate: PeerCertificate): Error | undefined {
  const cause = checkServerIdentity(name, certificate);
  if (cause === undefined) return undefined;
  const names = certificate.subjectaltname ?? certificate.subject?.CN ?? "no name";
  return new Error(
    `its certificate is for ${names}, not for ${name}: use one of its names in the address, or as option tls.serverName`,
    { cause },
  );
}

function checkPins(pins: readonly string[], certificate: PeerCertificate): Error | undefined {
  const seen: string[] = [];
  let each = certificate as PeerCertificate & { issuerCertificate?: PeerCertificate };
  for (;;) {
    const own = new X509Certificate(each.raw);
    const key = own.publicKey.export({ type: "spki", format: "der" });
    const pin = createHash("sha256").update(key).digest("base64");
    if (pins.includes(pin)) return undefined;
    seen.push(pin);
    const { issuerCertificate } = each;
    // A root names itself as its issuer.
    if (issuerCertificate === undefined || issuerCertificate === each || seen.length > 20) break;
    // Node links certificates by their names alone: the server may have sent one of its own making.
    if (!own.verify(new X509Certificate(issuerCertificate.raw).publicKey)) break;
    each = issuerCertificate;
  }
  return new Error(
    `none of its public keys is one of tls.pins (it has ${seen.join(", ")}): correct the pins, or find out who answers there`,
  );
}

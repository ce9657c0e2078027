// SPDX-License-Identifier: Apache-2.0
import { quote } from "../connection/quote.js";

const upperA = 0x41;
const upperZ = 0x5a;
/** Record types of TLS that a peer begins with (RFC 8446 §5.1). */
const tlsAlert = 0x15;
const tlsHandshake = 0x16;

/**
 * A sentence for the error about a peer whose first bytes are not HTTP/2's: the protocol that it speaks. Undefined if the bytes don't
 * show a protocol. `first` are the first bytes, as many as there are.
 */
export function describeOtherProtocol(first: Uint8Array, isServer: boolean): string | undefined {
  const byte = first[0];
  if (byte === undefined) return undefined;
  if (byte === tlsAlert || byte === tlsHandshake) {
    return isServer
      ? "the peer speaks TLS, but this port does not: let it connect in cleartext (tri:// or http://), or give this server a key and certificate (option tls)"
      : "the peer speaks TLS, but this connection does not: use TLS (https://, or tri:// with the option tls), or its cleartext port";
  }
  if (isServer) {
    return byte < upperA || byte > upperZ
      ? undefined
      : "the peer speaks HTTP/1.1: HTTP/2 with prior knowledge is needed (curl --http2-prior-knowledge)";
  }
  const text = String.fromCharCode(...first);
  if (text.startsWith("HTTP".slice(0, text.length)))
    return "the peer answers with HTTP/1.1: it is not an HTTP/2 server, or only after an upgrade";
  return /^[ -~]/.test(text)
    ? `the peer answers with ${quote(text)} …, which is not HTTP/2: is it the right port?`
    : undefined;
}

// SPDX-License-Identifier: Apache-2.0
import * as http2 from "node:http2";
import type { createGrpcTransport } from "@connectrpc/connect-node";

/** A session manager as connect-node needs it; it doesn't export the type by its name. */
type SessionManager = NonNullable<Parameters<typeof createGrpcTransport>[0]["sessionManager"]>;

/** The window of each stream and of the connection, for both ends of connect-es. */
export const WINDOW = 1024 * 1024;

/** The settings that open that window for streams. */
export const settings: http2.Settings = { initialWindowSize: WINDOW };

/** A session manager for connect-node that can be closed. */
export interface WideSession extends SessionManager {
  close(): void;
}

/** One connection with wide windows; connect-node's own manager offers no way to widen the connection's. */
export function wideSession(baseUrl: string): WideSession {
  const session = http2.connect(baseUrl, { settings });
  session.once("connect", () => session.setLocalWindowSize(WINDOW));
  return {
    authority: baseUrl,
    async request(method, path, headers, options) {
      return session.request({ ...headers, ":method": method, ":path": path }, options);
    },
    notifyResponseByteRead() {
      // Only a keepalive would want to know.
    },
    close: () => session.destroy(),
  };
}

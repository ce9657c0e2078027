// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, Http2ConnectionError } from "../connection/error-code.js";
import { maxUint31 } from "../frame/frame-type.js";

/** The window of both sides before the first WINDOW_UPDATE (RFC 9113 §6.9.2). */
const initialWindow = 65_535;

/** The connection's flow-control window for what it sends (RFC 9113 §6.9.1). */
export class SendWindow {
  /** The bytes that may still be sent on the whole connection. The sender of DATA takes its bytes away. */
  left = initialWindow;
  /** All that the peer has ever let this side send. */
  private granted = initialWindow;

  /** DATA bytes sent so far. */
  get sent(): number {
    return this.granted - this.left;
  }

  /** WINDOW_UPDATE of the connection. Throws when the window passes its largest size. */
  grow(increment: number): void {
    this.left += increment;
    this.granted += increment;
    if (this.left > maxUint31) {
      throw new Http2ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        "the connection's window above 2^31-1 (RFC 9113 §6.9.1)",
      );
    }
  }
}

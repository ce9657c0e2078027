// SPDX-License-Identifier: Apache-2.0
import { Code } from "@connectrpc/connect";
import { resetReason } from "@tristream/http2";
import { codeFromReset } from "./reset-reason.js";

test.each([
  [0, Code.Internal],
  [1, Code.Internal],
  [2, Code.Internal],
  [3, Code.Internal],
  [7, Code.Unavailable],
  [8, Code.Canceled],
  [11, Code.ResourceExhausted],
  [12, Code.PermissionDenied],
  [99, Code.Internal],
])("RST_STREAM %d is code %d", (reset, code) => {
  expect(codeFromReset(resetReason(reset))).toBe(code);
});

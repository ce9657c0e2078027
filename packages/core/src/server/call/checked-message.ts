// SPDX-License-Identifier: Apache-2.0
import type { DescMethod } from "@bufbuild/protobuf";
import { asMessage } from "../../engine/message/message-codec.js";

/** The one message that a handler returned. Throws a `TypeError`, for the log, if the result is not a message. */
export function checkedMessage(desc: DescMethod, result: unknown): unknown {
  if (typeof result !== "object" || result === null) {
    const got = result === null ? "null" : typeof result;
    throw new TypeError(
      `the handler of ${desc.parent.typeName}/${desc.name} returned ${got}: return a message or its init object`,
    );
  }
  return asMessage(desc.output, result as never);
}

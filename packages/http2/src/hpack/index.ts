// SPDX-License-Identifier: Apache-2.0
export { HpackDecoder, type HpackDecoderOptions } from "./decoder.js";
export { HpackEncoder, type HpackEncoderOptions } from "./encoder.js";
export { HeaderBlock } from "./header-block.js";
export { HeaderList } from "./header-list.js";
export { HpackError } from "./hpack-error.js";

// SPDX-License-Identifier: Apache-2.0

// biome-ignore lint/style/noRestrictedImports: HPACK has no public name, and this proof is about HPACK alone
export { HpackDecoder } from "../../packages/http2/src/hpack/decoder.js";
// biome-ignore lint/style/noRestrictedImports: see above
export { HpackEncoder } from "../../packages/http2/src/hpack/encoder.js";
// biome-ignore lint/style/noRestrictedImports: see above
export { HeaderBlock } from "../../packages/http2/src/hpack/header-block.js";
// biome-ignore lint/style/noRestrictedImports: one generator for all that is random, so that a seed means one thing
export { Random } from "../../packages/http2/tests/random.js";

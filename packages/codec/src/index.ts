// SPDX-License-Identifier: Apache-2.0
export { type CompiledCodec, compileCodec, type InPlaceWriter } from "./compile-codec.js";
export { ElementCounter } from "./decode/element-counter.js";
export { parsedElements, TooManyElementsError } from "./decode/elements.js";
export { parseBinary, type ReadOptions } from "./fallback/parse-binary.js";

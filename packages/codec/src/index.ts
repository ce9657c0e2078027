// SPDX-License-Identifier: Apache-2.0
export { type CompiledCodec, compileCodec, type InPlaceWriter } from "./compile-codec.js";
export { parseBinary } from "./parse-binary.js";

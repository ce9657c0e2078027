// SPDX-License-Identifier: Apache-2.0
import "./async-context.js";

export { createClock, type TestClock } from "./clock.js";
export { type Loopback, type LoopbackOptions, loopback } from "./loopback.js";
export { type Direction, type LinkHook, MemoryLink, type MemoryPair, memoryPair } from "./memory-link.js";

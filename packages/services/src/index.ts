// SPDX-License-Identifier: Apache-2.0
export { createHealth, type Health, type HealthStatus } from "./health/health.js";
export { type WatchedStatus, type WatchHealthOptions, watchHealth } from "./health/watch-health.js";
export { type Reflected, type ReflectOptions, reflect } from "./reflection/reflect.js";
export { registerReflection } from "./reflection/register-reflection.js";
export type { ServiceKey } from "./service-key.js";

// SPDX-License-Identifier: Apache-2.0
import type { ContextKey, ContextValues } from "@connectrpc/connect";

/** Connect's context values, with nothing behind them until one is set: most calls never do. */
export class LazyContextValues implements ContextValues {
  private values: Map<symbol, unknown> | null = null;

  get<T>(key: ContextKey<T>): T {
    return this.values?.has(key.id) === true ? (this.values.get(key.id) as T) : key.defaultValue;
  }

  set<T>(key: ContextKey<T>, value: T): this {
    this.values ??= new Map();
    this.values.set(key.id, value);
    return this;
  }

  delete(key: ContextKey<unknown>): this {
    this.values?.delete(key.id);
    return this;
  }
}

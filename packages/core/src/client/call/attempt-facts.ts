// SPDX-License-Identifier: Apache-2.0
import { serviceGroup, serviceVersion } from "../../protocol/headers.js";
import type { PickInfo } from "../transport/connection-provider.js";
import type { MethodSettings } from "../transport/engine-transport.js";
import type { Attempt } from "./attempt.js";
import { requestedHeaders } from "./call-request.js";

/** An attempt as a connection provider sees it: each fact is worked out when it is read. */
export class AttemptFacts implements PickInfo {
  private readonly source: Attempt;
  private readonly settings: MethodSettings;

  constructor(attempt: Attempt, settings: MethodSettings) {
    this.source = attempt;
    this.settings = settings;
  }

  get service(): string {
    return this.settings.serviceName;
  }

  get method(): string {
    return this.source.req.method.name;
  }

  get group(): string {
    return this.asked(serviceGroup) ?? this.settings.group;
  }

  get version(): string {
    return this.asked(serviceVersion) ?? this.settings.version;
  }

  get header(): Headers {
    return this.source.req.header;
  }

  get timeLeftMs(): number | undefined {
    return this.source.call.timeLeftMs;
  }

  get attempt(): number {
    return this.source.number;
  }

  get signal(): AbortSignal {
    return this.source.call.signal;
  }

  /** A header of the request; undefined while the method's own headers count. */
  private asked(name: string): string | undefined {
    const headers = requestedHeaders(this.source.req);
    return headers === null ? undefined : (headers.get(name) ?? "");
  }
}

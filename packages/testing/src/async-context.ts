// SPDX-License-Identifier: Apache-2.0
import { AsyncResource } from "node:async_hooks";
import { provideAsyncContext } from "@tristream/core";

// Each call's code runs in its own context, whatever event resumes it: what `AsyncLocalStorage` shows is the call's.
provideAsyncContext(AsyncResource);

// SPDX-License-Identifier: Apache-2.0
import { AsyncResource } from "node:async_hooks";
import { setMaxListeners } from "node:events";
import { provideAsyncContext, provideMaxListeners } from "@tristream/core";

// Each call's code runs in its own context, and sees its own `AsyncLocalStorage` stores, whatever event resumes it.
provideAsyncContext(AsyncResource);
// The handlers of all calls listen to a server's shutdown signal.
provideMaxListeners(setMaxListeners);

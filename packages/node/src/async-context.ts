// SPDX-License-Identifier: Apache-2.0
import { AsyncResource } from "node:async_hooks";
import { provideAsyncContext } from "@tristream/core";

// Each call's code runs in its own context, and sees its own `AsyncLocalStorage` stores, whatever event resumes it.
provideAsyncContext(AsyncResource);

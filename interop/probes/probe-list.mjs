// SPDX-License-Identifier: Apache-2.0
import { clientProbes } from "./client-probes.mjs";
import { fieldProbes } from "./server-probes-fields.mjs";
import { frameProbes, lastFrameProbes } from "./server-probes-frames.mjs";
import { settingsProbes } from "./server-probes-settings.mjs";
import { streamProbes } from "./server-probes-streams.mjs";

/**
 * Every probe: a state, what is sent in it, and what ours has to do then.
 *
 * - `row`: the row of the transition table, as in `packages/http2/tests/transitions.ts`; `title`: the state and the input.
 * - `rfc`: what RFC 9113 asks for.
 * - `early`: nothing was exchanged yet. Otherwise both sides' SETTINGS are acknowledged, but for `unacknowledged`.
 * - `given`: how the state comes about, frames or functions of the `Wire`; `input`: what is sent then.
 * - `answers`: a peer that takes no offence answers with a response.
 * - `observe`: what else than offences counts: `data` (DATA bytes), `credit` (whether windows open again).
 * - `ours`: what ours does; the run fails when it does something else.
 */
export const serverProbes = [
  ...frameProbes,
  ...settingsProbes,
  ...streamProbes,
  ...fieldProbes,
  ...lastFrameProbes,
].sort((a, b) => a.row - b.row);

export { clientProbes };

// SPDX-License-Identifier: Apache-2.0
import type { Situation } from "./situation.js";
import { blockedGenerator } from "./situations/blocked-generator.js";
import { brokenAnswers } from "./situations/broken-answers.js";
import { cancelledUpload } from "./situations/cancelled-upload.js";
import { earlyReturns } from "./situations/early-returns.js";
import { failingRequests } from "./situations/failing-requests.js";
import { ignoredDeadline } from "./situations/ignored-deadline.js";
import { killedServer } from "./situations/killed-server.js";
import { leavingALoop } from "./situations/leaving-a-loop.js";
import { oddTexts } from "./situations/odd-texts.js";
import { shutdown } from "./situations/shutdown.js";

/** The rows of the table, in order. */
export const situations: readonly Situation[] = [
  leavingALoop,
  cancelledUpload,
  failingRequests,
  blockedGenerator,
  earlyReturns,
  ignoredDeadline,
  killedServer,
  shutdown,
  brokenAnswers,
  oddTexts,
];

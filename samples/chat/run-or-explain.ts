// SPDX-License-Identifier: Apache-2.0
import { ConnectError } from "@tristream/node";
import { printable } from "./printable.js";

/** Runs a program; what goes wrong in a known way is one line on stderr and exit code 1. */
export async function runOrExplain(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    console.error(error instanceof ConnectError ? printable(error.message) : error);
    process.exitCode = 1;
  }
}

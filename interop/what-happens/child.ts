// SPDX-License-Identifier: Apache-2.0
// child.ts LIBRARY: serves a stream that never ends, prints its port, and waits to be killed.
import { type LibraryName, loadLibrary } from "./library.js";

const library = await loadLibrary(process.argv[2] as LibraryName);
const server = await library.serve({
  async *greetServerStream({ name }) {
    for (let i = 0; i < 3; i++) yield { greeting: `${name} ${i}` };
    await new Promise(() => {});
  },
});
console.log(server.port);

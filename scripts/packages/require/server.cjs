// SPDX-License-Identifier: Apache-2.0
// The sample's server as CommonJS: require() of packages that are ES modules.
const { serve } = require("@tristream/node");
const { routes } = require("./greeter.js");

serve({ host: "127.0.0.1", port: 0, routes }).then((server) => {
  console.log(`the greet server listens on ${server.url}`);
  process.once("SIGTERM", () => server.shutdown());
});

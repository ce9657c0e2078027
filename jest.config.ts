/** @jest-config-loader esbuild-register */
// SPDX-License-Identifier: Apache-2.0
// esbuild-register, because jest's default loader needs the JavaScript API that TypeScript 7 no longer has.
import type { Config } from "jest";

const config: Config = {
  testEnvironment: "<rootDir>/jest/environment.mjs",
  // The sources of all packages, not their dist: nothing has to be built before the tests.
  testEnvironmentOptions: { customExportConditions: ["@tristream/source", "node", "node-addons"] },
  testMatch: [
    "**/src/**/*.test.ts",
    "<rootDir>/packages/*/tests/**/*.test.ts",
    "<rootDir>/samples/**/*.test.ts",
    "<rootDir>/scripts/**/*.test.ts",
  ],
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  modulePathIgnorePatterns: ["<rootDir>/(packages/[^/]+|gen)/dist/"],
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": ["$1.ts", "$1.js"] },
  transform: {
    "\\.ts$": [
      "@swc/jest",
      {
        sourceMaps: "inline",
        module: { type: "es6" },
        jsc: {
          // es2022 lowers `using` and `await using`, which Node 20 does not know.
          target: "es2022",
          parser: { syntax: "typescript" },
          transform: { verbatimModuleSyntax: true },
          keepClassNames: true,
        },
      },
    ],
  },
  maxWorkers: 2,
  // A worker keeps what its files have loaded: after a hundred files one collection of its garbage took seconds on a busy machine.
  workerIdleMemoryLimit: "600MB",
  // A hang has to be told from a busy machine; no test measures time by this.
  testTimeout: 60_000,
  reporters: ["default", "<rootDir>/jest/counts-reporter.mjs"],
};

export default config;

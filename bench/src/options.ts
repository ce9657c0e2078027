// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { isPeerName, type PeerName, peerNames } from "./load-peer.js";
import { type Scenario, scenarios } from "./scenarios.js";

/** The options of the command line, with the defaults filled in. */
export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly PeerName[];
  readonly base: PeerName;
  /** Where the JSON goes; nowhere by default when only a part is measured. */
  readonly out: string | undefined;
  readonly json: boolean;
  readonly build: boolean;
}

/** The text of --help. */
export const help = `npm run bench -- [options]

  --rounds N       rounds, each measures everything once (3)
  --seconds S      length of one measurement (2)
  --warmup S       length of the warm-up before it, at least (1.5)
  --scenario a,b   only these: ${scenarios.map((s) => s.name).join(", ")}
  --peer x,y       only these: ${peerNames.join(", ")}
  --base PEER      whom the ratios compare with the others (tristream, or the first one measured)
  --out FILE       where the JSON goes (bench/results/latest.json for a whole run, else nowhere)
  --json           print the JSON instead of the tables
  --no-build       take the packages' dist as it is
`;

/** Reads a number within limits. */
function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!(value >= min && value <= max))
    throw new Error(`--${name} "${text}" is not between ${min} and ${max}`);
  return value;
}

/** Picks the named ones of `known`, in the order of `known`. */
function pick<T>(
  what: string,
  text: string | undefined,
  known: readonly T[],
  nameOf: (item: T) => string,
): readonly T[] {
  if (text === undefined) return known;
  const names = text.split(",");
  const wrong = names.find((name) => !known.some((item) => nameOf(item) === name));
  if (wrong !== undefined)
    throw new Error(`--${what} "${wrong}" is unknown: use ${known.map(nameOf).join(", ")}`);
  return known.filter((item) => names.includes(nameOf(item)));
}

/** Reads the command line; undefined when it asks for help. `wholeRun` is where the JSON of a whole run goes. */
export function parseOptions(args: readonly string[], wholeRun: string): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      warmup: { type: "string", default: "1.5" },
      scenario: { type: "string" },
      peer: { type: "string" },
      base: { type: "string" },
      out: { type: "string" },
      json: { type: "boolean", default: false },
      "no-build": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const peers = pick("peer", values.peer, peerNames, (name) => name);
  const base = values.base ?? peers[0];
  if (!isPeerName(base) || !peers.includes(base))
    throw new Error(`--base "${base}" is not measured: use ${peers.join(", ")}`);
  const whole = values.scenario === undefined && values.peer === undefined;
  return {
    rounds: numberOf("rounds", values.rounds, 1, 1000),
    seconds: numberOf("seconds", values.seconds, 0.05, 120),
    warmup: numberOf("warmup", values.warmup, 0.05, 120),
    scenarios: pick("scenario", values.scenario, scenarios, (scenario) => scenario.name),
    peers,
    base,
    out: values.out ?? (whole ? wholeRun : undefined),
    json: values.json,
    build: !values["no-build"],
  };
}

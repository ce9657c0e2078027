// SPDX-License-Identifier: Apache-2.0
import type { ServeOptions } from "@tristream/node";
import type { Offender } from "./offender-connections.js";

/** The offender's observations. */
export interface OffenderReport {
  /** Connections that it made, and those that the server ended. */
  opened: number;
  ended: number;
  /** The longest time from the beginning of an attack to the end of its connection; 0 if none was ended. */
  longestMs: number;
  /** GOAWAY frames by the name of their code. */
  goAways: Record<string, number>;
  /** RST_STREAM frames by the name of their code. */
  resets: Record<string, number>;
  /** HEADERS frames that came. */
  headers: number;
  /** Bytes of DATA that came. */
  dataReceived: number;
  /** Bytes that it sent. */
  sent: number;
  /** How often the attack was played. */
  rounds: number;
}

/** The observations of the server's process. */
export interface ServerReport {
  /** Growth of the resident memory at its peak, in MiB. */
  rssMiB: number;
  /** Most CPU time of the event loop's thread between two turns, in milliseconds. */
  stallMs: number;
  cpuMs: number;
  /** Handlers that began, without those of the well-behaved client. */
  handlers: number;
  /** Calls that still ran when the offender had left. */
  leftCalls: number;
  /** Lines of the log by level. */
  lines: Record<string, number>;
  /** Lines with a control character in them. */
  forged: number;
  /** The first lines. */
  log: string[];
}

/** The well-behaved client's measurements of a period. */
export interface Figures {
  /** Calls and messages that were answered in a second. */
  rate: number;
  p50: number;
  p99: number;
  /** Errors, by text. */
  errors: string[];
}

/** All that is known of a played attack. */
export interface Seen {
  readonly offender: OffenderReport;
  readonly server: ServerReport;
  readonly before: Figures;
  readonly during: Figures;
  /** How long the attack lasted. */
  readonly ms: number;
}

/** An attack, and what has to become of it. */
export interface Attack {
  readonly name: string;
  /** The offender's part. */
  readonly does: string;
  /** The required outcome, in words. */
  readonly rule: string;
  /** `--short` plays it, too. */
  readonly short?: boolean;
  /** Options of the server, beyond the defaults. */
  readonly server?: Partial<ServeOptions>;
  /** Connections at a time that the memory is allowed for. Default 1. */
  readonly connections?: number;
  /** The memory is allowed for answers that wait to be sent, too (`maxQueuedBytes`). */
  readonly answersWait?: boolean;
  /** Seconds that it needs at least, for limits that are times. */
  readonly seconds?: number;
  /** The server has to end its connections: each attack is played until it does, for some seconds at most. */
  readonly ends?: boolean;
  /** Plays it once; it is played again while there is time. */
  play(offender: Offender): Promise<void>;
  /** The faults of an outcome, beyond the rules of every attack. */
  judge(seen: Seen): string[];
}

/** The rule: every connection of the offender is ended with this code, and a line of the log names the option. */
export function cutBy(
  option: string,
  more: (seen: Seen) => string[] = () => [],
  code = "ENHANCE_YOUR_CALM",
): Pick<Attack, "ends" | "judge"> {
  const { ends, judge } = endedBy(code, more);
  return {
    ends: ends!,
    judge(seen) {
      return [...judge(seen), ...isNamed(option, seen)];
    },
  };
}

/** The rule: every connection of the offender is ended, with one of these codes; no option is named, since no peer may do this. */
export function endedBy(
  code: string | readonly string[],
  more: (seen: Seen) => string[] = () => [],
): Pick<Attack, "ends" | "judge"> {
  const codes = typeof code === "string" ? [code] : code;
  return {
    ends: true,
    judge(seen) {
      const wrong = more(seen);
      const { opened, ended, goAways } = seen.offender;
      if (opened === 0) wrong.push("the offender made no connection");
      if (ended < opened) wrong.push(`${opened - ended} of ${opened} connections were not ended`);
      if (codes.length > 0 && !codes.some((name) => (goAways[name] ?? 0) > 0))
        wrong.push(`no GOAWAY ${codes.join(" or ")}: ${JSON.stringify(goAways)}`);
      return wrong;
    },
  };
}

/** The rule: the offender's connection lives, since an honest peer does the same. */
export function kept({ offender, server }: Seen): string[] {
  const wrong: string[] = [];
  if (offender.opened === 0) wrong.push("the offender made no connection");
  if (offender.ended > 0)
    wrong.push(`${offender.ended} of ${offender.opened} connections were ended: ${server.log[0] ?? ""}`);
  return wrong;
}

/** The rule: a line of the log at `warn` names the option. */
export function isNamed(option: string, { server: { log } }: Seen): string[] {
  if (log.some((line) => line.startsWith("warn") && line.includes(option))) return [];
  return [`no line of the log names ${option}: ${JSON.stringify(log[0] ?? "")}`];
}

/** Says so when a figure is above its limit. */
export function atMost(what: string, figure: number, limit: number): string[] {
  return figure <= limit ? [] : [`${what}: ${Math.round(figure)}, at most ${limit} is right`];
}

// SPDX-License-Identifier: Apache-2.0
import type { Http2Options, RateLimit } from "../src/connection/options.js";
import { request } from "../tests/frames.js";
import { Random } from "../tests/random.js";
import { LawlessFrames } from "./lawless-frames.js";
import { Machine } from "./machine.js";
import { PeerFrames, type PeerInput } from "./peer-frames.js";
import { actions, type Conversation, type Step } from "./step.js";

/**
 * Makes up a conversation while it is played: the next step follows from the seed and from what the connection has done
 * so far.
 */
export class ConversationMaker {
  readonly machine: Machine;
  readonly steps: Step[] = [];
  private readonly random: Random;
  private readonly lawful: boolean;
  private readonly peer: PeerFrames;
  private readonly lawless: LawlessFrames;
  private readonly length: number;
  /** How many peer inputs there are for one that is wrong; 0 for none. */
  private readonly wrongOneIn: number;
  /** The link takes its time, and the peer's windows are wide: output piles up. */
  private readonly sluggish: boolean;
  /** Large messages come on several streams, beyond what may be under way. */
  private readonly crowded: boolean;
  /** The bytes that were cut off the last input. */
  private cut: PeerInput | undefined;

  constructor(seed: number) {
    const random = new Random(seed);
    this.random = random;
    this.lawful = random.oneIn(3);
    this.wrongOneIn = random.pick([2, 10, 40]);
    this.sluggish = random.oneIn(4);
    this.crowded = random.oneIn(5);
    this.length = random.int(10, random.pick([30, 120, 300]));
    this.machine = new Machine({
      role: random.pick(["server", "client"]),
      options: this.options(),
      temper: random.int(0, 1e9),
      lawful: this.lawful,
    });
    this.peer = new PeerFrames(random, this.machine, this.sluggish, this.crowded);
    this.lawless = new LawlessFrames(random);
  }

  /** The conversation so far. */
  get conversation(): Conversation {
    return { ...this.machine.conversation, steps: this.steps };
  }

  /** Plays it to its end. */
  play(): void {
    // A while longer than it lives: the dead have rules, too.
    for (let afterlife = 0; this.steps.length < this.length && afterlife < 12; ) {
      const step = this.next();
      if (step === undefined) continue;
      this.steps.push(step);
      this.machine.play(step);
      if (this.machine.over) afterlife++;
    }
    this.machine.finish();
  }

  private options(): Http2Options {
    const { random } = this;
    const small = (): RateLimit | undefined =>
      random.oneIn(3) ? { burst: random.int(0, 9), perSecond: random.int(0, 3) } : undefined;
    const all: { [Name in keyof Http2Options]: Http2Options[Name] | undefined } = {
      maxConcurrentStreams: random.pick([1, 3, 8, 1024]),
      connectionWindow: random.pick([65_535, 100_000, 4_194_304]),
      maxBufferedBytes: this.crowded ? 65_535 : random.pick([65_535, 200_000, 16_777_216]),
      maxStreamWindow: this.crowded ? 65_535 : random.pick([65_535, 100_000, 1_048_576]),
      maxFrameSize: random.pick([16_384, 65_535, 100_000]),
      maxHeaderListSize: this.lawful ? 16_384 : random.pick([512, 4000, 16_384]),
      maxHeaderFields: this.lawful ? 256 : random.pick([16, 256]),
      maxContinuations: random.pick([1, 8]),
      maxEncoderTableSize: random.pick([0, 100, 4096]),
      maxQueuedBytes: random.pick([131_072, 268_435_456]),
      maxUnreadOutput: random.pick([65_536, 1_048_576]),
      maxBytesPerTurn: random.pick([1, 100, 10_000, 131_072]),
      maxStreamsPerTurn: random.pick([1, 2, 64]),
      idleTimeoutMs: random.oneIn(4) ? 5000 : undefined,
      ...(this.lawful
        ? {}
        : {
            resetRate: small(),
            deadlineRate: small(),
            emptyFrameRate: small(),
            settingsRate: small(),
            pingRate: small(),
            windowUpdateRate: small(),
          }),
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  private next(): Step | undefined {
    const { random } = this;
    if (this.cut !== undefined && random.oneIn(2)) return this.input(this.cut);
    const kind = random.int(0, 99);
    if (kind < 50) return this.peerInput();
    if (kind < 78) return this.appStep();
    if (kind < 86) return this.openStep();
    return this.otherStep();
  }

  private peerInput(): Step | undefined {
    const { random } = this;
    if (this.cut !== undefined) return this.input(this.cut);
    if (!this.lawful && random.oneIn(this.wrongOneIn)) {
      const right = random.oneIn(2) ? this.peer.next() : undefined;
      return this.input(right === undefined ? this.lawless.next(this.peer.ids) : this.lawless.mutate(right));
    }
    const parts = Array.from({ length: random.oneIn(3) ? random.int(2, 5) : 1 }, () => this.peer.next());
    const inputs = parts.flatMap((part) => part ?? []);
    if (inputs.length === 0) return undefined;
    return this.input({
      bytes: Buffer.concat(inputs.map(({ bytes }) => bytes)),
      note: inputs.map(({ note }) => note).join(", "),
    });
  }

  private input(given: PeerInput): Step {
    const { random } = this;
    this.cut = undefined;
    let { bytes, note } = given;
    if (bytes.length > 1 && random.oneIn(6)) {
      const at = random.int(1, bytes.length - 1);
      this.cut = { bytes: bytes.subarray(at), note: `the rest of ${note}` };
      bytes = bytes.subarray(0, at);
      note = `the start of ${note}`;
    }
    return { do: "input", hex: Buffer.from(bytes).toString("hex"), note };
  }

  private appStep(): Step | undefined {
    const { random } = this;
    const { streams } = this.machine;
    if (streams.length === 0) return undefined;
    const action = this.crowded && random.oneIn(2) ? "messageNeeds" : random.pick(actions);
    // Streams end soon enough by themselves.
    if ((action === "reset" || action === "close" || action === "badTrailers") && !random.oneIn(3))
      return undefined;
    const stream = random.oneIn(4)
      ? random.int(0, streams.length - 1)
      : Math.max(0, streams.length - random.int(1, 4));
    const n =
      action === "reset"
        ? random.pick([0, 2, 8])
        : random.int(0, random.pick([0, 9, 5000, 65_535, 200_000, 200_000 * Number(this.crowded)]));
    return { do: "app", action, stream, n, end: random.oneIn(5) };
  }

  private openStep(): Step | undefined {
    const { random } = this;
    if (this.machine.conversation.role === "server") return undefined;
    const extra = random.pick([[], ["x-a", "b"], ["x-long", "y".repeat(20_000)], ["x-bad", "\u2020"]]);
    return { do: "open", fields: [...request, ...(random.oneIn(3) ? extra : [])], end: random.oneIn(3) };
  }

  private otherStep(): Step {
    const { random } = this;
    if (this.sluggish && random.oneIn(3)) return { do: "slow" };
    switch (random.int(0, 11)) {
      case 0:
      case 1:
      case 2:
        return { do: "quiesce" };
      case 3:
        return { do: "endTurn" };
      case 4:
        return { do: "turn" };
      case 5:
        return { do: random.oneIn(2) ? "slow" : "fast" };
      case 6:
      case 7:
        return { do: this.sluggish ? "quiesce" : "drain" };
      case 8:
        return { do: "advance", ms: random.oneIn(10) ? random.int(1000, 40_000) : random.int(0, 2000) };
      case 9:
        return random.oneIn(6) ? { do: "shutdown" } : { do: "quiesce" };
      case 10:
        return random.oneIn(20) ? { do: "abort", code: random.pick([0, 2, 8]) } : { do: "drain" };
      default:
        return random.oneIn(30) ? { do: "closed" } : { do: "endTurn" };
    }
  }
}

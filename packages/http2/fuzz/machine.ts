// SPDX-License-Identifier: Apache-2.0
import { Connection } from "../src/connection/connection.js";
import { ErrorCode, Http2ConnectionError } from "../src/connection/error-code.js";
import type { HeaderBlock } from "../src/hpack/header-block.js";
import { response } from "../tests/frames.js";
import { Random } from "../tests/random.js";
import { act } from "./application.js";
import { FuzzLink } from "./fuzz-link.js";
import { checkAtRest, checkInvariants, keepsInput, onTheWay } from "./invariants.js";
import { PeerView } from "./peer-view.js";
import { SentFrames } from "./sent-frames.js";
import { type Conversation, must, type Step, Violation } from "./step.js";
import { type Moment, WatchedStream } from "./watched-stream.js";

/** The failure of a connection whose link closes while streams are open. */
const linkLost = /in mid-call|^the peer sent GOAWAY/;

/** A connection that a conversation is played on, step by step; every step ends with a look at all invariants. */
export class Machine {
  readonly conversation: Omit<Conversation, "steps">;
  readonly link = new FuzzLink();
  readonly connection: Connection;
  readonly view: PeerView;
  readonly sent: SentFrames;
  /** A response that is encoded once, and copied as long as its bytes hold. */
  readonly prepared: HeaderBlock;
  /** The application's streams, in the order in which it got them. */
  readonly streams: WatchedStream[] = [];
  /** The last of the events `active`. */
  active = false;
  /** The event `closed` was called. */
  closed = false;
  /** The connection was ended by its owner. */
  endedHere = false;
  /** The faults, reported from within the connection. */
  private fault: string | undefined;
  private readonly random: Random;
  /** The input that arrives while the link is paused. */
  private inbox: Uint8Array[] = [];

  constructor(conversation: Omit<Conversation, "steps">) {
    const { role, options, temper } = conversation;
    this.conversation = conversation;
    this.random = new Random(temper);
    this.view = new PeerView(role);
    this.sent = new SentFrames(role, this.view);
    this.connection = new Connection(role, this.link, options);
    this.prepared = this.connection.prepare([...response, "x-server", "fuzz"]);
    this.connection.start({
      stream: (stream, _list, end) => {
        const watched = this.watch(true);
        watched.stream = stream;
        watched.ended = end;
        stream.sink = watched;
        if (this.over) this.failed("a request on a connection that is over");
        if (this.random.oneIn(3)) stream.dueAt = this.link.clock + this.random.int(0, 3000);
        if (this.random.oneIn(3)) {
          stream.hold();
          watched.released = false;
        }
        this.react(watched, "headers");
      },
      goAway: () => {
        if (this.over) this.failed("goAway on a connection that is over");
      },
      active: (active) => {
        if (active === this.active) this.failed(`active ${active} twice`);
        this.active = active;
      },
      closed: () => this.onClosed(),
    });
  }

  /** Plays a step; throws a {@link Violation} when an invariant does not hold afterwards. */
  play(step: Step): void {
    try {
      this.run(step);
      while (!this.link.paused && this.inbox.length > 0) this.deliver(this.inbox.shift()!);
    } catch (error) {
      if (error instanceof Violation) throw error;
      const what = error instanceof Error ? error.stack : String(error);
      throw new Violation(`an exception escaped: ${what}`, { cause: error });
    }
    this.check();
  }

  /** Ends what is left; nothing may be missing or follow. */
  finish(): void {
    for (const step of ["fast", "drain", "quiesce"] as const) this.play({ do: step });
    for (const watched of this.streams) {
      act(this, watched, "creditAll", 0, false);
      act(this, watched, "release", 0, false);
    }
    for (const watched of this.streams) if (watched.compressing > 0) act(this, watched, "compress", 0, false);
    this.check();
    checkAtRest(this);
    const left = this.connection.flow.held - onTheWay(this.connection);
    must(this.over || left === 0, `${left} bytes are held without an owner`);
    this.play({ do: "closed" });
    this.play({ do: "quiesce" });
    must(this.closed, "the end was not told");
    must(this.connection.queuedBytes === 0, `${this.connection.queuedBytes} bytes are queued for ever`);
    must(
      this.connection.activeStreams === 0,
      `${this.connection.activeStreams} streams outlive the connection`,
    );
    for (const { stream, ended, gaveUp } of this.streams) {
      must(stream === undefined || stream.closed, `stream ${stream?.id} outlives the connection`);
      must(ended || gaveUp, `stream ${stream?.id} never heard of its end`);
    }
    const { connection } = this;
    connection.receive(new Uint8Array(40));
    connection.drained();
    connection.advance(this.link.clock + 1_000_000);
    connection.shutdown();
    connection.abort("again", ErrorCode.CANCEL);
    connection.closed(new Error("again"));
    this.check();
  }

  /** Remembers that something is wrong; thrown once the connection has returned. */
  failed(what: string): void {
    this.fault ??= what;
  }

  /** Makes the application's end of a stream. */
  watch(answered: boolean): WatchedStream {
    const watched = new WatchedStream(
      answered,
      this.connection,
      (at, moment) => this.react(at, moment),
      (what) => this.failed(what),
    );
    this.streams.push(watched);
    return watched;
  }

  /** The connection is over, or about to be. */
  get over(): boolean {
    return this.closed || this.connection.state.over;
  }

  private run(step: Step): void {
    const { connection, link } = this;
    switch (step.do) {
      case "input":
        this.inbox.push(Buffer.from(step.hex, "hex"));
        return;
      case "open":
        this.open(step.fields, step.end);
        return;
      case "app": {
        const watched = this.streams[step.stream];
        if (watched !== undefined) act(this, watched, step.action, step.n, step.end);
        return;
      }
      case "shutdown":
        connection.shutdown();
        return;
      case "abort":
        this.endedHere = true;
        connection.abort("aborted", step.code);
        return;
      case "advance":
        link.clock += step.ms;
        connection.advance(link.clock);
        return;
      case "slow":
      case "fast":
        link.fast = step.do === "fast";
        return;
      case "drain":
        if (link.pending > 0) link.drain();
        return;
      case "closed":
        connection.closed();
        return;
      default:
        link[step.do]();
    }
  }

  private deliver(bytes: Uint8Array): void {
    if (!this.over) this.view.sent(bytes);
    this.connection.receive(bytes);
  }

  private open(fields: readonly string[], end: boolean): void {
    if (this.conversation.role === "server") return;
    const watched = this.watch(false);
    try {
      watched.stream = this.connection.open(watched, fields, end);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // Headers that can't be encoded are never sent.
      watched.gaveUp = true;
      watched.silent = true;
      watched.ended = true;
    }
  }

  /** The actions of applications at once, without a step that asks for them. */
  private react(watched: WatchedStream, moment: Moment): void {
    const { random } = this;
    if (watched.stream === undefined || watched.gaveUp) return;
    if (moment === "turn" && watched.turn !== null) {
      const { n, end } = watched.turn;
      watched.turn = null;
      // As the engine does: the message asks, and is admitted once.
      must(!watched.stream.answerWaits(false), `stream ${watched.stream.id} waits again at its turn`);
      act(this, watched, "write", n, end);
    }
    if (moment === "stopped") this.sent.stopped.add(watched.stream.id);
    if (moment === "data" && random.oneIn(2)) act(this, watched, "creditAll", 0, false);
    if (!random.oneIn(8)) return;
    switch (random.int(0, 7)) {
      case 0:
        act(this, watched, "reset", ErrorCode.CANCEL, false);
        return;
      case 1:
        act(this, watched, "answer", 0, false);
        act(this, watched, "trailers", 0, false);
        act(this, watched, "close", 0, false);
        return;
      case 2:
        if (moment === "data") act(this, watched, "messageNeeds", random.int(0, 200_000), false);
        return;
      case 3:
        act(this, watched, "write", random.int(0, 70_000), random.oneIn(3));
        return;
      case 4:
        if (random.oneIn(6)) this.connection.shutdown();
        return;
      case 5:
        if (!random.oneIn(20)) return;
        this.endedHere = true;
        this.connection.abort("by a sink", ErrorCode.INTERNAL_ERROR);
        return;
      case 6:
        this.open([":method", "POST", ":scheme", "http", ":path", "/inner"], random.oneIn(2));
        return;
      default:
        act(this, watched, "end", 0, false);
    }
  }

  private onClosed(): void {
    if (this.closed) this.failed("closed twice");
    this.closed = true;
  }

  private check(): void {
    this.sent.take(this.link.take());
    must(!this.link.writtenLate, "something was written after the link's end");
    if (this.fault !== undefined) throw new Violation(this.fault);
    const { failure } = this.connection.state;
    const lost = failure !== undefined && linkLost.test(failure.message);
    const internal = failure !== undefined && !lost && !(failure instanceof Http2ConnectionError);
    must(!internal, `the connection died of ${failure?.stack}`);
    // SETTINGS that are kept for the next turn hold for none of the output yet.
    if (this.connection.output.position === 0 && !keepsInput(this.connection)) this.view.outputEmpty();
    const [complaint] = this.sent.complaints;
    const endedHere =
      this.endedHere || (failure instanceof Http2ConnectionError && failure.limit?.endsWith("Ms") === true);
    const wronged = this.conversation.lawful && complaint !== undefined && !endedHere;
    must(!wronged, `${complaint}, though the peer broke no rule`);
    checkInvariants(this, this.inbox.length === 0);
    for (const watched of this.streams) if (watched.stream?.closed === true) watched.silent ||= watched.ended;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Connection } from "../src/connection/connection.js";
import { maxUint31 } from "../src/frame/frame-type.js";
import type { ReceiveWindow } from "../src/streams/receive-window.js";
import type { SendSide } from "../src/streams/send-side.js";
import type { Stream } from "../src/streams/stream.js";
import { windowsOf } from "../tests/subject.js";
import { largestMessage } from "./application.js";
import type { Machine } from "./machine.js";
import { must } from "./step.js";

/** The first time of a scripted link's clock. */
const startOfTime = 1000;

/** The private parts that are looked at. */
interface Inside {
  readonly streams: {
    readonly opensLater: boolean;
    readonly postponed: { readonly waiting: ReadonlyMap<Stream, { readonly bytes: number }> };
    readonly scheduler: { readonly first: SendSide | null; readonly last: SendSide | null };
    readonly answers: {
      readonly queue: readonly { readonly stream: Stream; readonly first: boolean }[];
      readonly firsts: number;
      readonly giving: Stream | null;
    };
  };
  readonly reader: {
    readonly collected: Uint8Array | null;
    readonly insideData: boolean;
    readonly left: number;
    readonly padding: number;
    readonly target: unknown;
  };
  /** Empty DATA that other input has paid for. */
  readonly limits: { readonly emptyDataPaidFor: number };
  readonly input: {
    readonly paused: boolean;
    readonly waiting: boolean;
    readonly bytesLeft: number;
    readonly streamsLeft: number;
    readonly kept: readonly unknown[];
  };
  readonly dispatch: { readonly headers: { readonly assembly: { readonly length: number } } };
  readonly flow: {
    readonly grown: number;
    readonly underWay: number;
    readonly onTrial: number;
    readonly trialRefused: boolean;
    readonly waiters: readonly ReceiveWindow[];
  };
}

/** A cast, since only tests may look. */
function inside(connection: Connection): Inside {
  return connection as unknown as Inside;
}

/** Bytes of the DATA frame that is under way: they count from its header on, and their stream has yet to get them. */
export function onTheWay(connection: Connection, stream?: Stream): number {
  const { insideData, left, padding, target } = inside(connection).reader;
  if (!insideData || target === null || (stream !== undefined && stream !== target)) return 0;
  return Math.max(0, left - Math.max(0, padding));
}

/** True if input that has arrived waits for a turn. */
export function keepsInput(connection: Connection): boolean {
  return inside(connection).input.paused;
}

/** Looks at everything that has to hold between two steps. `caughtUp`: all that the peer sent was delivered. */
export function checkInvariants(machine: Machine, caughtUp: boolean): void {
  checkBook(machine);
  checkScheduler(machine);
  checkMemory(machine);
  checkQueues(machine);
  checkReceiveFlow(machine);
  checkRates(machine);
  checkTurns(machine);
  checkAnswers(machine);
  if (machine.over || !caughtUp || keepsInput(machine.connection) || machine.connection.output.position > 0)
    return;
  checkWindows(machine);
  const { sent, view } = machine;
  must(sent.pingAnswers === view.pings, `${sent.pingAnswers} answers to ${view.pings} PINGs`);
  must(
    sent.settingsAnswers === view.settings,
    `${sent.settingsAnswers} answers to ${view.settings} SETTINGS`,
  );
}

function checkBook({ connection, streams, active, closed }: Machine): void {
  const { registry } = connection.streams;
  const { postponed } = inside(connection).streams;
  const all = [...streams.flatMap(({ stream }) => stream ?? []), ...postponed.waiting.keys()];
  const open = all.filter((stream) => !stream.closed);
  must(
    connection.activeStreams === open.length,
    `${connection.activeStreams} streams are counted, ${open.length} are open`,
  );
  for (const stream of open) {
    const found =
      stream.id === 0 ? registry.waiting.has(stream) : connection.streams.get(stream.id) === stream;
    must(found, `stream ${stream.id} is open, but in no table`);
  }
  const held = all.filter((stream) => stream.closed && stream.held).length;
  must(registry.held === held, `${registry.held} closed streams are counted as held, ${held} are`);
  if (connection.isServer) {
    const most = connection.options.maxConcurrentStreams;
    const taken = registry.taken - postponed.waiting.size;
    must(taken <= most, `${taken} of ${most} places are taken`);
    must(
      connection.streams.registry.open.size <= most,
      `${connection.streams.registry.open.size} of ${most} streams are open`,
    );
    must(
      postponed.waiting.size === 0 || taken === most,
      `streams wait, though ${taken} of ${most} places are taken`,
    );
  }
  must(closed || active === open.length > 0, `active is ${active} with ${open.length} streams`);
  for (const watched of streams) {
    const lost = watched.stream?.closed === true && !watched.ended && !watched.gaveUp;
    must(!lost, `stream ${watched.stream?.id} is closed, but its sink has heard of no end`);
  }
}

function checkScheduler({ connection }: Machine): void {
  const { scheduler } = inside(connection).streams;
  let before: SendSide | null = null;
  for (let side = scheduler.first; side !== null; side = side.next) {
    const { stream } = side;
    must(!stream.closed && side.queue !== null, `stream ${stream.id} waits to send, with nothing to send`);
    must(side.previous === before, `the list of streams that wait to send is broken at stream ${stream.id}`);
    before = side;
  }
  must(scheduler.last === before, "the list of streams that wait to send ends elsewhere");
}

function checkMemory({ connection, link, over }: Machine): void {
  const { reader, dispatch } = inside(connection);
  const { assembly } = dispatch.headers;
  const { maxFrameSize, maxHeaderListSize, maxUnreadOutput } = connection.options;
  const collected = reader.collected?.length ?? 0;
  must(collected <= maxFrameSize, `${collected} bytes of a frame are kept`);
  must(assembly.length <= 4 * maxHeaderListSize, `${assembly.length} bytes of a header block are kept`);
  must(
    !link.paused || link.pending > 0 || keepsInput(connection),
    "reading is paused, and nothing is unread",
  );
  must(
    !connection.output.congested || link.pending > 0,
    "streams wait for the link, which has sent everything",
  );
  const unread = connection.isServer && link.pending > maxUnreadOutput;
  must(
    !unread || link.paused || link.state !== "open" || over,
    `${link.pending} bytes are unread, and reading goes on`,
  );
}

/** The bytes that wait to be sent are counted right, and are within the limit, but for a single message that is larger. */
function checkQueues({ connection, streams }: Machine): void {
  const { queuedBytes, options, decoder } = connection;
  const sum = streams.reduce(
    (all, { stream, compressing }) => all + (stream?.send.queue?.length ?? 0) + compressing,
    0,
  );
  must(queuedBytes === sum, `${queuedBytes} bytes wait to be sent by the count, ${sum} do`);
  const most = Math.max(options.maxQueuedBytes, largestMessage);
  must(queuedBytes <= most, `${queuedBytes} bytes wait to be sent, beyond ${most}`);
  must(decoder.remembered <= 65_536, `${decoder.remembered} bytes of header lists are remembered`);
}

/** The peer's limited actions are within the rates of the options, as long as the connection lives. */
function checkRates({ connection, link, over }: Machine): void {
  if (over) return;
  const { counters, options } = connection;
  const seconds = (link.clock - startOfTime) / 1000;
  const counted = [
    ["resetRate", counters.resetsReceived + counters.resetsProvoked],
    ["deadlineRate", counters.deadlines],
    ["emptyFrameRate", counters.emptyFrames - inside(connection).limits.emptyDataPaidFor],
    ["settingsRate", counters.settings],
  ] as const;
  for (const [name, count] of counted) {
    const { burst, perSecond } = options[name];
    must(count <= burst + perSecond * seconds, `${name}: ${count} in ${seconds} s, and nobody minds`);
  }
}

/** The input of one turn is bounded, and the rest is read later. */
function checkTurns({ connection, link, over }: Machine): void {
  const { paused, waiting, bytesLeft, streamsLeft, kept } = inside(connection).input;
  must(bytesLeft > -65_536, `a turn read ${-bytesLeft} bytes too many`);
  must(streamsLeft >= 0, `a turn read ${-streamsLeft} streams too many`);
  if (over) {
    must(kept.length === 0, `${kept.length} chunks are kept by a connection that is over`);
    return;
  }
  must(kept.length === 0 || paused, `${kept.length} chunks wait for no turn`);
  must(!paused || link.paused, "input is kept, and more is delivered");
  const answersWait = inside(connection).streams.answers.firsts > 0;
  must(
    !paused || waiting || connection.output.paused || answersWait,
    "input is kept, and no turn was asked for",
  );
}

/** The messages that wait for their turns are counted right, and none is forgotten. */
function checkAnswers({ connection, streams, over }: Machine): void {
  const { queue, firsts, giving } = inside(connection).streams.answers;
  const first = queue.filter((each) => each.first).length;
  must(firsts === first, `${firsts} first messages wait for their turns by the count, ${first} do`);
  must(giving === null, "the turn of a stream lasts for ever");
  if (over) return;
  must(first === 0 || inside(connection).input.paused, "first messages wait, and requests are read");
  for (const { stream, turn, gaveUp } of streams) {
    if (stream === undefined || stream.closed || gaveUp) continue;
    const waits = queue.some((each) => each.stream === stream);
    must(waits === (turn !== null), `stream ${stream.id} ${waits ? "has" : "has not"} a turn to come`);
  }
}

/** Looks at what has to be over once all turns have passed. */
export function checkAtRest({ connection, over }: Machine): void {
  if (over) return;
  const { input, streams } = inside(connection);
  const { queue } = streams.answers;
  must(queue.length === 0, `${queue.length} messages wait for turns that do not come`);
  const { bytesLeft, kept, paused } = input;
  must(paused || bytesLeft > 0, "the budget of a turn is spent, and no turn comes");
  must(paused || kept.length === 0, `${kept.length} chunks are kept for ever`);
}

function checkReceiveFlow({ connection, streams, over }: Machine): void {
  const { flow } = connection;
  must(flow.balanced, "the connection's flow control does not add up");
  // The input that the connection died of is never delivered.
  if (over) return;
  const waiting = [...inside(connection).streams.postponed.waiting.values()];
  const held =
    streams.reduce((sum, watched) => sum + watched.held, onTheWay(connection)) +
    waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  must(flow.held === held, `flow control holds ${flow.held} bytes, the applications ${held}`);
  const { grown, underWay, onTrial, waiters } = inside(connection).flow;
  const open = streams.flatMap(({ stream }) => (stream === undefined || stream.closed ? [] : stream));
  const windows = open.map(windowsOf);
  const growth = windows.reduce((sum, { windowTarget }) => sum + windowTarget - 65_535, 0);
  must(grown === growth, `windows have grown by ${growth}, flow control knows of ${grown}`);
  const admitted = windows.filter((window) => window.admitted > 0);
  const sum = admitted.reduce((all, window) => all + window.admitted, 0);
  must(underWay === sum, `messages of ${sum} bytes were let in, flow control knows of ${underWay}`);
  const tried = windows.reduce((all, window) => all + window.tried, 0);
  must(
    onTrial === tried,
    `messages that wait have ${tried} bytes for a trial, flow control knows of ${onTrial}`,
  );
  const most = connection.options.maxBufferedBytes;
  must(
    underWay <= most || admitted.length === 1,
    `${admitted.length} messages of ${underWay} bytes, beyond ${most}`,
  );
  must(
    waiters.every(({ stream }) => !stream.closed),
    "a closed stream waits to let a message in",
  );
}

function checkWindows({ connection, link, view, streams }: Machine): void {
  const { opensLater } = inside(connection).streams;
  const { waiting } = connection.streams.registry;
  const open = connection.streams.registry.open.size;
  const room = open < view.maxConcurrentStreams;
  must(waiting.size === 0 || !room || opensLater, `${waiting.size} streams wait, though ${open} are open`);
  const { flow } = connection;
  const sendWindow = connection.streams.sendWindow.left;
  must(flow.window >= 0 && flow.window <= maxUint31, `the connection's window is ${flow.window}`);
  must(
    flow.window === view.connectionReceiveWindow,
    `the connection's window is ${flow.window}, at the peer ${view.connectionReceiveWindow}`,
  );
  must(sendWindow >= 0 && sendWindow <= maxUint31, `the connection may send ${sendWindow}`);
  must(
    sendWindow === view.connectionSendWindow,
    `the connection may send ${sendWindow}, by the peer ${view.connectionSendWindow}`,
  );
  for (const { stream, held } of streams) {
    if (stream === undefined || stream.closed || stream.id === 0) continue;
    const { id } = stream;
    must(stream.send.window <= maxUint31, `stream ${id} may send ${stream.send.window}`);
    must(
      stream.send.window === view.sendWindow(id),
      `stream ${id} may send ${stream.send.window}, by the peer ${view.sendWindow(id)}`,
    );
    const idle = link.pending > 0 || stream.queuedBytes === 0;
    must(
      idle || Math.min(stream.send.window, sendWindow) <= 0,
      `stream ${id} has ${stream.queuedBytes} bytes to send, and windows`,
    );
    must(
      stream.send.queue === null || stream.queuedBytes > 0,
      `the end of stream ${id} waits behind nothing`,
    );
    if (stream.remoteEnded) continue;
    const { left, unannounced, borrowed, windowTarget } = windowsOf(stream);
    must(left >= 0 && left <= maxUint31, `stream ${id} has a window of ${left}`);
    must(
      left === view.receiveWindow(id),
      `stream ${id} has a window of ${left}, at the peer ${view.receiveWindow(id)}`,
    );
    const sum = left + unannounced + held + onTheWay(connection, stream) - borrowed;
    must(sum === windowTarget, `stream ${id} has ${sum} of ${windowTarget} bytes`);
    checkRoom(connection, stream);
  }
}

/** A peer that pads can always go on: with the message that is under way, or with the next one once all are taken. */
function checkRoom(connection: Connection, stream: Stream): void {
  const w = windowsOf(stream);
  must(
    w.unannounced * 2 < w.windowTarget,
    `stream ${stream.id} keeps ${w.unannounced} of ${w.windowTarget} bytes back`,
  );
  const charged = w.admitted + w.tried;
  const waits =
    inside(connection).flow.waiters.includes(stream.receiveWindow) || (w.borrowed > 0 && charged === 0);
  must(!w.waits || waits, `stream ${stream.id} waits for room, and nobody asks it again`);
  must(
    !stream.receiveWindow.outOfCredit || inside(connection).flow.trialRefused,
    `stream ${stream.id} waits, and gets no trial`,
  );
  if (w.message === 0 || waits) return;
  // A message asks for room when the peer has used half of the window.
  if (charged === 0 && w.left * 2 > w.windowTarget) return;
  const rest = Math.max(0, w.messageEnd - w.bodyReceived - w.coming);
  const unread = w.windowTarget + w.borrowed - w.left - w.unannounced - w.coming;
  const others = unread - (w.message - (w.messageEnd - w.bodyReceived));
  const room = Math.max(1, Math.min(256, w.windowTarget - 8 - others));
  must(
    w.left >= rest + room,
    `stream ${stream.id} has a window of ${w.left} for the ${rest} bytes that its message lacks`,
  );
}

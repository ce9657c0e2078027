// SPDX-License-Identifier: Apache-2.0
import type { ConnectionEnd } from "../connection/connection-end.js";
import { ErrorCode, errorCodeName, Http2ConnectionError } from "../connection/error-code.js";
import { quote } from "../connection/quote.js";
import { parseSettings, Setting, validateSetting } from "../connection/settings.js";
import type { SettingsExchange } from "../connection/settings-exchange.js";
import type { RoundTrips } from "../flow/round-trips.js";
import { Flag, maxUint31, readUint31, readUint32 } from "../frame/frame-type.js";
import type { Stream } from "../streams/stream.js";
import type { StreamReset } from "../streams/stream-sink.js";
import type { Streams } from "../streams/streams.js";
import { protocolError } from "./protocol-error.js";

/** An orderly end has two GOAWAY frames (RFC 9113 §6.8). */
const goAwaysOfAnEnd = 2;

/** Applies the frames that are about the connection: SETTINGS, PING, GOAWAY, WINDOW_UPDATE. */
export class ControlFrames {
  private readonly settings: SettingsExchange;
  private readonly streams: Streams;
  private readonly roundTrips: RoundTrips;
  private readonly end: ConnectionEnd;
  private goAways = 0;
  /** The peer's SETTINGS gave all streams more window, and those that wait have not used it yet. */
  private windowsGrew = false;

  constructor(settings: SettingsExchange, streams: Streams, roundTrips: RoundTrips, end: ConnectionEnd) {
    this.settings = settings;
    this.streams = streams;
    this.roundTrips = roundTrips;
    this.end = end;
  }

  /** SETTINGS (RFC 9113 §6.5). */
  settingsFrame(flags: number, b: Uint8Array, start: number, end: number): void {
    const { settings, streams } = this;
    if ((flags & Flag.ACK) !== 0) {
      settings.acknowledge();
      return;
    }
    const first = !settings.received;
    settings.received = true;
    streams.limits.settings();
    let initialWindow = -1;
    parseSettings(b, start, end, (id, value) => {
      validateSetting(id, value, !streams.isServer);
      // Each change of it costs a step a stream, so only the last value of a frame counts.
      if (id === Setting.INITIAL_WINDOW_SIZE) initialWindow = value;
      else this.applySetting(id, value);
    });
    if (initialWindow >= 0) {
      this.changeInitialWindow(initialWindow);
      this.applySetting(Setting.INITIAL_WINDOW_SIZE, initialWindow);
    }
    settings.applied();
    streams.writer.settingsAcknowledgement();
    streams.openWaiting();
    if (this.windowsGrew) this.pumpBlocked();
    if (first) streams.events.ready?.();
  }

  /** PING (RFC 9113 §6.7). */
  pingFrame(flags: number, b: Uint8Array, start: number): void {
    const { writer, limits, sendWindow, endsSent } = this.streams;
    if ((flags & Flag.ACK) !== 0) {
      this.pingAcknowledged(b, start);
      return;
    }
    limits.ping(writer.headerBlocks + sendWindow.sent, endsSent);
    writer.ping(b, start, true);
  }

  /** GOAWAY (RFC 9113 §6.8). */
  goAwayFrame(b: Uint8Array, start: number, end: number): void {
    if (++this.goAways > goAwaysOfAnEnd) this.streams.limits.uselessFrame();
    const { isServer, state, graceful } = this.streams;
    const last = readUint31(b, start);
    const code = readUint32(b, start + 4);
    const debug = new TextDecoder().decode(b.subarray(start + 8, Math.min(end, start + 8 + 256)));
    if (!isServer && last !== 0 && (last & 1) === 0)
      throw protocolError(`GOAWAY names stream ${last}, which no client opens (RFC 9113 §6.8)`);
    graceful.received(last);
    const text = debug === "" ? "" : ` ${quote(debug, 256)}`;
    const why = code === ErrorCode.NO_ERROR ? text : ` with ${errorCodeName(code)}${text}`;
    const said = `the peer sent GOAWAY${why}`;
    state.goAwayText = said;
    state.failure ??= code === ErrorCode.NO_ERROR ? undefined : new Http2ConnectionError(code, said);
    const reset: StreamReset = {
      code: ErrorCode.REFUSED_STREAM,
      reason: "refused",
      source: "connection",
      disposition: "unprocessed",
      message: `${said} before it took the request`,
    };
    this.streams.events.goAway?.(code, last, debug, said);
    if (!isServer) this.streams.failAbove(last, reset);
    this.end.closeWhenIdle();
  }

  /** WINDOW_UPDATE (RFC 9113 §6.9). */
  windowUpdate(id: number, increment: number): void {
    const { streams } = this;
    const { output, sendWindow } = streams;
    if (increment === 0) throw protocolError("WINDOW_UPDATE by 0 (RFC 9113 §6.9)");
    streams.limits.windowUpdate(sendWindow.sent, output.dataFrames - output.cutFrames);
    if (id === 0) {
      sendWindow.grow(increment);
      streams.scheduler.pumpAll();
      return;
    }
    const stream = streams.get(id);
    if (stream === undefined) {
      if (streams.registry.isIdle(id))
        throw protocolError(`WINDOW_UPDATE on idle stream ${id} (RFC 9113 §5.1)`);
      return;
    }
    stream.send.window += increment;
    if (stream.send.window > maxUint31) {
      // The stream's error, as the RFC has it, and the connection's: no correct peer does it, so it won't do it often.
      streams.refuse(id, ErrorCode.FLOW_CONTROL_ERROR);
      throw new Http2ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        `window of stream ${id} above 2^31-1 (RFC 9113 §6.9.1)`,
      );
    }
    streams.scheduler.pump(stream.send);
  }

  private applySetting(id: number, value: number): void {
    this.settings.apply(id, value);
    if (id === Setting.HEADER_TABLE_SIZE) this.streams.writer.encoder.setPeerTableSize(value);
  }

  /** The peer changed the window that streams begin with, and with it the windows of open ones (RFC 9113 §6.9.2). */
  private changeInitialWindow(value: number): void {
    const { peerSettings, registry } = this.streams;
    const delta = value - peerSettings.initialWindowSize;
    if (delta === 0) return;
    this.windowsGrew = delta > 0;
    registry.open.each((stream) => {
      stream.send.window += delta;
      if (stream.send.window > maxUint31) {
        throw new Http2ConnectionError(
          ErrorCode.FLOW_CONTROL_ERROR,
          `window of stream ${stream.id} above 2^31-1 (RFC 9113 §6.9.2)`,
        );
      }
    });
  }

  private pumpBlocked(): void {
    this.windowsGrew = false;
    const { registry, scheduler } = this.streams;
    for (const stream of registry.open.filter(waitsToSend)) scheduler.pump(stream.send);
    scheduler.pumpAll();
  }

  private pingAcknowledged(b: Uint8Array, start: number): void {
    const { graceful, registry, keepalive, limits } = this.streams;
    if (this.roundTrips.acknowledged(b, start)) return;
    if (graceful.acknowledged(b, start, registry.lastPeerId)) this.end.closeWhenIdle();
    else if (!keepalive.acknowledged(b, start)) limits.uselessFrame();
  }
}

function waitsToSend(stream: Stream): boolean {
  return stream.send.queue !== null;
}

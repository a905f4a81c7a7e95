/**
 * One WebSocket connection: challenge, connect, then requests and events.
 * Invariants: nothing a client sends throws out of here; before a valid `connect` it costs at most 64 KiB and 15 s;
 * a client that does not read is closed before it costs more than the promised buffer.
 */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { WebSocket, type RawData } from 'ws';

import { invalidRequest } from '../core/errors.js';
import type { ApprovalWatch } from './approval-watch.js';
import { OWNER_PRINCIPAL, type GatewayDeps, type GatewayTimings } from './deps.js';
import { FailedAnswer, wireError, type WireError } from './errors.js';
import { closeReason, isRequestFrame, MAX_BUFFERED, parseFrame, PREAUTH_MAX_BYTES, type OutFrame, type RequestFrame } from './frames.js';
import { decideConnect, rateLimited, type HandshakeResult } from './handshake.js';
import { helloOk } from './hello.js';
import { METHODS } from './rpc/index.js';
import { hasScope, type Scope } from './scopes.js';
import type { Throttle } from './throttle.js';
import type { RunWatcher } from './wait.js';

export interface Connection {
  readonly id: string;
  readonly ready: boolean;
  /** Sends an event to a client that got its hello and holds the scope. */
  event(name: string, payload: unknown, scope?: Scope): void;
  /** Tells of the end and closes. */
  shutdown(payload: unknown): void;
  terminate(): void;
}

export interface ConnectionDeps {
  readonly deps: GatewayDeps;
  readonly timings: GatewayTimings;
  readonly watcher: RunWatcher;
  readonly approvalWatch: ApprovalWatch;
  readonly throttle: Throttle;
  readonly bootId: string;
  readonly maxBuffered?: number;
}

export interface ConnectionFacts {
  readonly origin: string | undefined;
  readonly originAllowed: boolean;
  /** The TCP connection, whose bytes are counted until the client is known. */
  readonly raw: Socket;
}

/** Requests of one client in work at once; each `agent` holds one until its run ends. */
const MAX_OPEN_REQUESTS = 1_000;
/** A client that is closing gets this long to answer. */
const CLOSE_GRACE_MS = 2_000;

type State = 'challenged' | 'connecting' | 'ready' | 'closed';

export function openConnection(socket: WebSocket, facts: ConnectionFacts, setup: ConnectionDeps, onClose: () => void): Connection {
  const { deps, timings } = setup;
  const id = randomUUID();
  const nonce = randomUUID();
  const gone = new AbortController();
  const maxBuffered = setup.maxBuffered ?? MAX_BUFFERED;
  let state: State = 'challenged';
  let scopes: readonly Scope[] = [];
  let seq = 0;
  let open = 0;
  let release: (() => void) | undefined;
  let awaitingPong = false;
  const early: (Readonly<Record<string, unknown>> | undefined)[] = [];

  const handshakeTimer = setTimeout(() => close(1008, 'handshake timeout'), timings.handshakeMs);
  const pingTimer = setInterval(ping, timings.pingMs);
  pingTimer.unref();
  watchPreauthBytes();

  socket.on('message', (data, binary) => {
    try {
      onMessage(data, binary);
    } catch (error) {
      deps.log.error({ conn: id, error: String(error) }, 'a frame could not be handled');
      close(1011, 'internal error');
    }
  });
  socket.on('pong', () => (awaitingPong = false));
  // ws reports protocol violations and oversized frames here and closes by itself.
  socket.on('error', (error) => deps.log.debug({ conn: id, error: error.message }, 'websocket error'));
  socket.on('close', () => {
    state = 'closed';
    clearTimeout(handshakeTimer);
    clearInterval(pingTimer);
    gone.abort();
    release?.();
    onClose();
  });

  send({ type: 'event', event: 'connect.challenge', payload: { nonce, ts: Date.now() } });

  return {
    id,
    get ready() {
      return state === 'ready';
    },
    event(name, payload, scope) {
      if (state !== 'ready' || (scope && !hasScope(scopes, scope))) return;
      seq += 1;
      send({ type: 'event', event: name, payload, seq });
    },
    shutdown(payload) {
      if (state === 'ready') this.event('shutdown', payload);
      close(1012, 'service restart');
    },
    terminate: () => socket.terminate(),
  };

  function onMessage(data: RawData, binary: boolean): void {
    if (state === 'closed') return;
    const bytes = sizeOf(data);
    if (state !== 'ready' && bytes > PREAUTH_MAX_BYTES) return close(1009, 'frame too large before connect');
    const frame = binary ? undefined : parseFrame(textOf(data));
    if (state === 'challenged') return first(frame);
    // Sent behind a connect that is still being decided; its bytes are counted with the connect's.
    if (state === 'connecting') return void early.push(frame);
    later(frame);
  }

  function later(frame: Readonly<Record<string, unknown>> | undefined): void {
    if (!frame || !isRequestFrame(frame)) {
      const requestId = typeof frame?.['id'] === 'string' && frame['id'] !== '' ? frame['id'].slice(0, 256) : undefined;
      if (requestId === undefined) return close(1008, 'invalid frame');
      return fail(requestId, { code: 'INVALID_REQUEST', message: 'invalid request frame' });
    }
    void request(frame);
  }

  function first(frame: Readonly<Record<string, unknown>> | undefined): void {
    if (!frame) return close(1000, '');
    if (!isRequestFrame(frame) || frame.method !== 'connect') {
      const message = 'invalid handshake: first request must be connect';
      if (typeof frame['id'] === 'string' && frame['id'] !== '') fail(frame['id'].slice(0, 256), { code: 'INVALID_REQUEST', message });
      return close(1008, message);
    }
    state = 'connecting';
    // The client did its part in time; how long the answer is held back is ours.
    clearTimeout(handshakeTimer);
    connect(frame).catch((error: unknown) => {
      fail(frame.id, wireError(error, { log: deps.log, method: 'connect', connId: id }));
      close(1011, 'internal error');
    });
  }

  async function connect(hello: RequestFrame): Promise<void> {
    if (deps.health().starting === true) {
      fail(hello.id, { code: 'UNAVAILABLE', message: 'gateway starting; retry shortly', details: { reason: 'startup-sidecars' }, retryable: true, retryAfterMs: 500 });
      return close(1013, 'gateway starting');
    }
    const now = Date.now();
    const result = decideConnect(hello.params, { token: deps.token, nonce, now, origin: facts.origin, originAllowed: facts.originAllowed });
    if (!result.ok) return refuse(hello.id, result);
    // A model catalogue that is down keeps nobody out.
    const modelConfigured = await deps.models.status().then((status) => status.configured, () => false);
    if (gone.signal.aborted) return;
    scopes = result.scopes;
    const payload = helloOk(deps, { connId: id, bootId: setup.bootId, role: result.role, scopes, now, tickMs: timings.tickMs, modelConfigured });
    send({ type: 'res', id: hello.id, ok: true, payload });
    state = 'ready';
    release = setup.watcher.hold();
    deps.log.debug({ conn: id, client: result.client, device: result.deviceId, scopes }, 'client connected');
    for (const frame of early.splice(0)) later(frame);
  }

  async function refuse(requestId: string, result: Extract<HandshakeResult, { ok: false }>): Promise<void> {
    let answer = result;
    if (result.guess) {
      const delay = setup.throttle.failed();
      if (delay === 'refuse') answer = rateLimited(5_000);
      else {
        if (delay > 0) await new Promise((done) => setTimeout(done, delay));
        setup.throttle.answered();
      }
      deps.log.warn({ conn: id, code: (answer.error.details as { code?: string } | undefined)?.code }, 'a client was refused');
    }
    fail(requestId, answer.error);
    close(answer.close, answer.reason);
  }

  async function request(frame: RequestFrame): Promise<void> {
    open += 1;
    try {
      if (open > MAX_OPEN_REQUESTS) throw invalidRequest(`more than ${MAX_OPEN_REQUESTS} requests are open on this connection`);
      const method = METHODS.get(frame.method);
      if (!method) throw invalidRequest(`unknown method: ${frame.method}`);
      const payload = await method.call(frame.params, scopes, {
        deps,
        watcher: setup.watcher,
        approvalWatch: setup.approvalWatch,
        principal: OWNER_PRINCIPAL,
        signal: gone.signal,
        respond: (early) => send({ type: 'res', id: frame.id, ok: true, payload: early }),
        now: Date.now,
      });
      send({ type: 'res', id: frame.id, ok: true, payload });
    } catch (error) {
      const shape = wireError(error, { log: deps.log, method: frame.method, connId: id });
      send({ type: 'res', id: frame.id, ok: false, ...(error instanceof FailedAnswer ? { payload: error.payload } : {}), error: shape });
    } finally {
      open -= 1;
    }
  }

  function fail(requestId: string, error: WireError): void {
    send({ type: 'res', id: requestId, ok: false, error });
  }

  function send(frame: OutFrame): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > maxBuffered) return close(1008, 'slow consumer');
    socket.send(JSON.stringify(frame));
  }

  function close(code: number, reason: string): void {
    if (state === 'closed') return;
    state = 'closed';
    clearTimeout(handshakeTimer);
    socket.close(code, closeReason(reason));
    // A client that does not read never sees the close frame; its socket goes all the same.
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref();
  }

  function ping(): void {
    if (awaitingPong) return socket.terminate();
    awaitingPong = true;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }

  /** ws buffers a frame whole before it hands it over; without this a stranger could make it hold 25 MiB. */
  function watchPreauthBytes(): void {
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      if (state === 'ready' || state === 'closed') {
        facts.raw.off('data', count);
        return;
      }
      bytes += chunk.length;
      // A frame's header and mask take 14 bytes at most; some room for a close or ping of the client's.
      if (bytes > PREAUTH_MAX_BYTES + 1_024) close(1009, 'frame too large before connect');
    };
    facts.raw.on('data', count);
  }
}

const sizeOf = (data: RawData): number => (Array.isArray(data) ? data.reduce((sum, part) => sum + part.byteLength, 0) : data.byteLength);

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}

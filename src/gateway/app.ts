/**
 * The gateway: one fastify app, HTTP and the wire protocol on one port of loopback.
 * Invariants: it listens on 127.0.0.1 or not at all; closing it tells every client, then lets go of everything it took.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance } from 'fastify';

import { CodedError } from '../core/errors.js';
import { DEFAULT_AGENT } from '../core/names.js';
import { mainSessionKey } from '../core/session-key.js';
import { approvalEvent } from './approval-view.js';
import { watchApprovals } from './approval-watch.js';
import { startBroadcast } from './broadcast.js';
import { openConnection, type Connection } from './connection.js';
import type { GatewayDeps, GatewayTimings } from './deps.js';
import { MAX_PAYLOAD } from './frames.js';
import { originAllowed, type HostRules } from './hosts.js';
import { addHttp, sendPage } from './http.js';
import { createThrottle } from './throttle.js';
import { createWatcher } from './wait.js';

/** The peer's timings: its clients are built for them. */
export const DEFAULT_TIMINGS: GatewayTimings = { tickMs: 30_000, handshakeMs: 15_000, pingMs: 25_000, pollMs: 500 };
/** Bodies come with the HTTP API; until then nobody has one to send. */
const BODY_LIMIT = 64 * 1024;
/** Sockets that have not connected yet. One more takes the place of the oldest: idle sockets keep nobody out. */
const MAX_STRANGERS = 128;
const MAX_CONNECTIONS = 1_000;
/** Clients get this long to take their goodbye. */
const GOODBYE_MS = 1_000;

export interface GatewayOptions {
  /** Of one connection, in bytes; for tests. */
  readonly maxBuffered?: number;
}

export function buildGateway(deps: GatewayDeps, options: GatewayOptions = {}): FastifyInstance {
  const timings: GatewayTimings = { ...DEFAULT_TIMINGS, ...deps.timings };
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    // Coercion and removal would let through what the closed schemas refuse.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
    forceCloseConnections: true,
    requestTimeout: 30_000,
  });
  const connections = new Set<Connection>();
  // Node forgets a socket once it is upgraded: a server that only closes what it knows waits for those forever.
  const sockets = new Set<Socket>();
  let closing = false;
  app.server.on('connection', (socket: Socket) => {
    if (closing) return void socket.destroy();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return undefined;
  });
  const bootId = randomUUID();
  const throttle = createThrottle();
  const watcher = createWatcher({ rows: deps.rows, events: deps.events, log: deps.log, pollMs: timings.pollMs });
  const stopBroadcast = startBroadcast(deps.events, watcher, connections);
  const approvalWatch = watchApprovals({
    approvals: deps.approvals, events: deps.events, log: deps.log, pollMs: timings.pollMs,
    tell(approval) {
      const { event, payload } = approvalEvent(approval);
      for (const connection of connections) connection.event(event, payload, 'operator.approvals');
    },
  });
  const ticker = setInterval(() => {
    const payload = { ts: Date.now() };
    for (const connection of connections) connection.event('tick', payload);
  }, timings.tickMs);
  ticker.unref();

  const rules = (): HostRules => {
    const address = app.server.address();
    return { port: typeof address === 'object' && address !== null ? (address as AddressInfo).port : 0, allowedHosts: deps.allowedHosts };
  };

  app.register(websocket, {
    options: { maxPayload: MAX_PAYLOAD, perMessageDeflate: false },
    errorHandler: (error, socket) => {
      deps.log.error({ error: error.message, stack: error.stack }, 'a WebSocket could not be served');
      socket.terminate();
    },
    async preClose() {
      clearInterval(ticker);
      const open = [...connections];
      for (const connection of open) connection.shutdown({ reason: 'gateway stopping' });
      const deadline = Date.now() + GOODBYE_MS;
      while (connections.size > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 10));
      closing = true;
      for (const connection of connections) connection.terminate();
      for (const socket of sockets) socket.destroy();
      stopBroadcast();
      watcher.close();
      approvalWatch.close();
    },
  });
  addHttp(app, deps, rules);
  app.register((scope, _opts, done) => {
    scope.route({
      method: 'GET',
      url: '/',
      handler: sendPage(deps, mainSessionKey(DEFAULT_AGENT)),
      wsHandler(socket, request) {
        const strangers = [...connections].filter((connection) => !connection.ready);
        if (strangers.length >= MAX_STRANGERS) strangers[0]!.terminate();
        if (connections.size - strangers.length >= MAX_CONNECTIONS) {
          socket.close(1013, 'too many connections');
          return;
        }
        const origin = request.headers.origin;
        const facts = { origin, originAllowed: origin !== undefined && originAllowed(origin, rules()), raw: request.raw.socket };
        const connection = openConnection(socket, facts, { deps, timings, watcher, approvalWatch, throttle, bootId, ...(options.maxBuffered === undefined ? {} : { maxBuffered: options.maxBuffered }) }, () => connections.delete(connection));
        connections.add(connection);
      },
    });
    done();
  });
  return app;
}

export interface ListenOptions {
  readonly port: number;
  /** `gateway.bind`: `loopback` or an address of it. */
  readonly bind?: string;
}

const LOOPBACK_BINDS: ReadonlySet<string> = new Set(['loopback', '127.0.0.1', 'localhost', 'auto']);

/** @throws CodedError BIND_REFUSED, PORT_BUSY, PORT_DENIED */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<{ readonly port: number; readonly url: string }> {
  const bind = options.bind ?? 'loopback';
  if (!LOOPBACK_BINDS.has(bind)) {
    throw new CodedError(
      'BIND_REFUSED',
      `gateway.bind is "${bind}", but the gateway listens on 127.0.0.1 only.`,
      'Remove gateway.bind or set it to "loopback"; to reach the gateway from elsewhere put a tunnel in front of it.',
    );
  }
  try {
    await app.listen({ host: '127.0.0.1', port: options.port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') {
      throw new CodedError(
        'PORT_BUSY',
        `Port ${options.port} on 127.0.0.1 is taken by another program.`,
        'If it is another gateway, use it or stop it; else choose a port with OPENCLAW_GATEWAY_PORT or gateway.port.',
        { port: options.port },
      );
    }
    if (code === 'EACCES') throw new CodedError('PORT_DENIED', `Port ${options.port} may not be opened by this user.`, 'Choose a port above 1023 with OPENCLAW_GATEWAY_PORT.', { port: options.port });
    throw error;
  }
  const { port } = app.server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}` };
}

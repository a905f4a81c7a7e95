/** The gateway's ports in memory, and helpers to drive a gateway over real sockets. */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { WebSocket } from 'ws';

import { createBus } from '../../src/bus/bus.js';
import { createRing } from '../../src/bus/ring.js';
import { CodedError, invalidRequest } from '../../src/core/errors.js';
import type { RunEvent, RunEventBody } from '../../src/core/events.js';
import type { Door, RunEvents } from '../../src/core/ports.js';
import type { InboundMessage } from '../../src/core/message.js';
import type { Notice } from '../../src/core/notice.js';
import { NO_USAGE } from '../../src/core/model.js';
import { isTerminal } from '../../src/core/run.js';
import { buildGateway, listen, type GatewayOptions } from '../../src/gateway/app.js';
import type { GatewayDeps, HistoryRow, RowStore, RunRow, RunTimeline, SessionRow } from '../../src/gateway/deps.js';

export const TOKEN = 'test-token-0123456789';

export const runHash = (runId: string): string => createHash('sha256').update(runId).digest('hex').slice(0, 32);

/** Everything that outlives a gateway: rows, transcript, the door's memory. */
export function createStore(events: RunEvents) {
  const rows: RunRow[] = [];
  const transcript: HistoryRow[] = [];
  const sessions = new Map<string, SessionRow>();
  const timelines = new Map<string, RunTimeline>();
  const messages: InboundMessage[] = [];
  const payloads = new Map<string, string>();
  const turns: unknown[] = [];
  let failing: Error | undefined;

  const door: Door = {
    async accept(request) {
      const runId = request.runId ?? 'derived';
      const payload = JSON.stringify([request.session, request.message.text, request.message.attachments]);
      const known = rows.find((row) => row.runId === runId);
      if (known) {
        if (payloads.get(runId) !== payload) throw invalidRequest('idempotency key was used for another message');
        return { inboundId: known.inboundId, runId, run: known.run, session: known.session, acceptedAt: known.acceptedAt, status: 'repeat' };
      }
      const row = { inboundId: `in-${rows.length + 1}`, runId, run: runHash(runId), session: request.session, principal: request.principal, state: 'signalled' as const, acceptedAt: Date.now(), text: request.message.text, steps: 0 };
      payloads.set(runId, payload);
      rows.push(row);
      messages.push(request.message);
      turns.push(request.turn);
      await store.createSession(request.session);
      publish(runId, { type: 'accepted' }, { step: 0 });
      return { inboundId: row.inboundId, runId, run: row.run, session: row.session, acceptedAt: row.acceptedAt, status: 'accepted' };
    },
  };

  const named = (row: HistoryRow): HistoryRow => {
    const runId = rows.find((one) => one.run === row.run)?.runId;
    return runId === undefined ? row : { ...row, runId };
  };

  const store: RowStore = {
    async run(runId, session) {
      if (failing) throw failing;
      return rows.findLast((row) => row.runId === runId && (session === undefined || row.session === session));
    },
    async runByHash(run) {
      return rows.find((row) => row.run === run);
    },
    async listRuns({ session, state, limit, offset = 0 }) {
      const found = rows.filter((row) => (session === undefined || row.session === session) && (state === undefined || state.includes(row.state))).reverse();
      return { runs: found.slice(offset, offset + limit), total: found.length };
    },
    async endedSince(cursor, limit) {
      if (failing) throw failing;
      const key = (row: { endedAt?: number; inboundId: string }): string => `${String(row.endedAt ?? 0).padStart(16, '0')}/${row.inboundId}`;
      return rows.filter((row) => isTerminal(row.state) && key(row) > key(cursor)).sort((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, limit).map(({ inboundId, run, endedAt = 0 }) => ({ inboundId, run, endedAt }));
    },
    async history(session, { limit, beforeSeq = Infinity, offset = 0 }) {
      const all = transcript.filter((row) => row.session === session);
      const below = all.filter((row) => row.seq < beforeSeq);
      const end = Math.max(0, below.length - offset);
      const conversation = sessions.get(session)?.conversation;
      return { ...(conversation === undefined ? {} : { conversation }), rows: below.slice(Math.max(0, end - limit), end).map(named), total: all.length };
    },
    async pending(session) {
      return rows.filter((row) => row.session === session && (row.state === 'accepted' || row.state === 'signalled'));
    },
    async listSessions({ limit, offset = 0, search }) {
      const found = [...sessions.values()].filter((row) => search === undefined || row.key.includes(search));
      return { sessions: found.slice(offset, offset + limit), total: found.length };
    },
    async createSession(key, label) {
      const known = sessions.get(key);
      const row: SessionRow = known ?? { key, agent: 'main', conversation: `conv-${sessions.size + 1}`, createdAt: Date.now(), updatedAt: Date.now(), activeRunIds: [], queued: 0, usage: NO_USAGE };
      const labelled = label === undefined ? row : { ...row, label };
      sessions.set(key, labelled);
      return labelled;
    },
    async timeline(run) {
      return timelines.get(run) ?? { attempts: [], rows: transcript.filter((row) => row.run === run), tools: [] };
    },
  };

  function publish(runId: string, body: RunEventBody, at: Partial<RunEvent> = {}): void {
    const row = rows.find((one) => one.runId === runId);
    events.publish({ session: row?.session ?? 'agent:main:main', run: runHash(runId), runId, step: 1, attempt: 1, at: Date.now(), ...body, ...at } as RunEvent);
  }

  function change(runId: string, to: Partial<RunRow>): void {
    const index = rows.findIndex((row) => row.runId === runId);
    if (index === -1) throw new Error(`no run ${runId}`);
    rows[index] = { ...rows[index]!, ...to };
  }

  return {
    door,
    rows: store,
    all: rows,
    transcript,
    sessions,
    timelines,
    messages,
    turns,
    publish,
    change,
    take: (runId: string) => change(runId, { state: 'taken', takenAt: Date.now() }),
    /** Ends a run the way finishRun does; `silent` leaves the bus out. */
    finish(runId: string, text: string, { silent = false, ...over }: Partial<RunRow> & { silent?: boolean } = {}) {
      change(runId, {
        state: 'ok',
        endedAt: Date.now(),
        outcome: { state: 'ok', seq: 2, text, usage: { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 }, provider: 'offline', model: 'echo' },
        ...over,
      });
      if (!silent) publish(runId, { type: 'end', state: 'ok' });
    },
    fail: (error: Error | undefined) => {
      failing = error;
    },
  };
}
export type Store = ReturnType<typeof createStore>;

export interface World {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly events: RunEvents;
  readonly store: Store;
  readonly deps: GatewayDeps;
  readonly stops: unknown[][];
  readonly logs: { readonly level: string; readonly fields: object; readonly message: string }[];
  readonly state: { ready: boolean; starting: boolean; configHash: string };
  close(): Promise<void>;
}

export async function startWorld(options: { store?: Store; events?: RunEvents; deps?: Partial<GatewayDeps>; gateway?: GatewayOptions } = {}): Promise<World> {
  const events = options.events ?? createBus();
  const store = options.store ?? createStore(events);
  const stops: unknown[][] = [];
  const notices: Notice[] = [{ key: 'engine-fresh', level: 'warn', text: 'new', times: 1, firstAt: 1, lastAt: 1 }];
  const logs: World['logs'] = [];
  const log = (level: string) => (fields: object, message: string) => void logs.push({ level, fields, message });
  const state = { ready: true, starting: false, configHash: 'h1' };
  const snapshot = () => ({
    path: '/state/openclaw.json', exists: true, raw: '{}', parsed: {}, config: { gateway: {} }, valid: true, hash: state.configHash, appliedHash: 'h1', issues: [], warnings: [],
  });
  const ring = createRing(events);
  const deps: GatewayDeps = {
    door: store.door,
    events,
    ring,
    rows: store.rows,
    sessions: {
      async stop(session, target, principal) {
        stops.push([session, target, principal]);
        return store.all.filter((row) => row.session === session && !isTerminal(row.state) && (target.run === undefined || row.run === target.run)).map((row) => row.runId);
      },
    },
    repair: {
      async recover(session, { force }) {
        if (!force) throw new CodedError('INVALID_REQUEST', `session ${session} is well`, 'Use --force.', { code: 'NOT_NEEDED' });
        return { session, was: 'running', runs: store.all.filter((row) => row.session === session && !isTerminal(row.state)).map((row) => row.runId) };
      },
    },
    keeping: {
      row: async (session) => store.sessions.get(session),
      details: noSession, page: noSession, change: noSession,
      search: async () => ({ hits: [], more: false }),
    },
    erasing: { remove: noSession },
    notices: {
      open: async () => notices,
      dismiss: async (key) => notices.splice(0, notices.length, ...notices.filter((notice) => notice.key !== key)).some((notice) => notice.key === key),
    },
    models: {
      list: async () => [{ id: 'echo', name: 'Echo', provider: 'offline', available: true, contextWindow: 8_000, input: ['text'] }],
      status: async () => ({ primary: 'offline/echo', fallbacks: [], contextTokens: 8_000, configured: false, providers: [{ provider: 'offline', available: true }] }),
      price: () => undefined,
      test: async (ref = 'offline/echo') => [{ ref, ok: ref === 'offline/echo', latencyMs: 1 }],
    },
    pairing: {
      hold: async () => ({ status: 'held' }),
      list: async () => [],
      hasOwner: async () => false,
      limits: () => ({ ttlMs: 3_600_000, maxPending: 3 }),
      decide: () => Promise.reject(new CodedError('PAIRING_UNKNOWN', 'nobody of that name waits on telegram')),
      sweep: async () => undefined,
    },
    contacts: {
      list: async () => [],
      get: noContact, rename: noContact, block: noContact, unblock: noContact, setOwner: noContact, link: noContact, unlink: noContact,
      sweep: async () => undefined,
    },
    approvals: {
      list: async () => [],
      count: async () => 0,
      runsThatAsk: async () => [],
      get: async () => undefined,
      changedSince: async () => [],
      grants: async () => [],
      resignal: async () => undefined,
      decide: (id) => Promise.reject(invalidRequest(`there is no approval ${id}`)),
      request: () => Promise.reject(invalidRequest('nothing can be asked here')),
      revoke: (id) => Promise.reject(invalidRequest(`there is no grant ${id}`)),
    },
    budgets: {
      timezone: () => 'UTC',
      overview: async () => ({ day: '2026-01-01', timezone: 'UTC', limits: {}, lines: [], questions: [] }),
      sums: async () => [],
      topSessions: async () => [],
      waitOf: async () => undefined,
      answer: async (id) => {
        throw invalidRequest(`there is no budget question ${id}`);
      },
      sweep: async () => undefined,
    },
    channels: { list: () => [], start: (channel) => Promise.reject(invalidRequest(`${channel} is not configured`)), stop: (channel) => Promise.reject(invalidRequest(`${channel} is not configured`)) },
    deliveries: {
      wake: async () => undefined,
      send: async () => true,
      list: async () => [],
      ofRuns: async () => [],
      counts: async () => [],
      retry: (id) => Promise.reject(invalidRequest(`there is no delivery ${id}`)),
      discard: (id) => Promise.reject(invalidRequest(`there is no delivery ${id}`)),
      sweep: async () => undefined,
    },
    outbound: { send: (request) => Promise.reject(invalidRequest(`"${request.to}" is not known`)) },
    config: {
      get: snapshot,
      async set(raw) {
        if (raw === 'broken') throw new CodedError('CONFIG_INVALID', 'line 1, column 1: not JSON5', 'Mend the line and try again.');
        state.configHash = 'h2';
        return { snapshot: snapshot(), changedPaths: ['gateway'], restartRequired: false };
      },
      async patch() {
        state.configHash = 'h3';
        return { snapshot: snapshot(), changedPaths: [], restartRequired: true };
      },
      schema: () => ({ type: 'object' }),
    },
    health: () => ({ ready: state.ready, starting: state.starting, failing: state.ready ? [] : ['engine'] }),
    doctor: async (deep) => [{ id: 'engine', title: 'Engine', status: 'ok', detail: deep ? 'deep' : 'shallow' }],
    media: {
      put: async (content, mime) => ({ hash: createHash('sha256').update(content).digest('hex'), mime: Buffer.from(content.subarray(0, 4)).toString('latin1') === '\x89PNG' ? 'image/png' : (mime ?? 'application/octet-stream'), size: content.length }),
      get: async () => undefined,
      path: () => '/media/x',
    },
    token: TOKEN,
    version: '0.1.0',
    stateDir: '/state',
    allowedHosts: [],
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    webUrl: (session, run) => `http://127.0.0.1:8233/${encodeURIComponent(session)}/${run ?? ''}`,
    startedAt: Date.now() - 1_000,
    ...options.deps,
    timings: { pollMs: 20, ...options.deps?.timings },
  };
  const app = buildGateway(deps, options.gateway);
  const { port } = await listen(app, { port: 0 });
  return {
    app, port, events, store, deps, stops, logs, state,
    async close() {
      await app.close();
      ring.close();
    },
  };
}

const noSession = (key: string): Promise<never> => Promise.reject(new CodedError('NOT_FOUND', `there is no session ${key}`));
const noContact = (ref: string): Promise<never> => Promise.reject(new CodedError('NOT_FOUND', `there is no contact ${ref}`));

export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };
type Body = Readonly<Record<string, any>>;

/** A raw client: sends what it is told, keeps what it gets. */
export class Raw {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;
  private waiting: (() => void)[] = [];
  private nextId = 0;

  constructor(port: number, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers, perMessageDeflate: false });
    this.socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame);
      this.wake();
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.wake();
    });
    this.socket.on('error', () => this.wake());
  }

  private wake(): void {
    for (const go of this.waiting.splice(0)) go();
  }

  async until<T>(find: () => T | undefined | false, ms = 5_000): Promise<T> {
    const deadline = Date.now() + ms;
    for (;;) {
      const found = find();
      if (found !== undefined && found !== false) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`timed out; frames: ${JSON.stringify(this.frames).slice(0, 2_000)} closed: ${JSON.stringify(this.closed)}`);
      await new Promise<void>((done) => {
        const timer = setTimeout(done, left);
        this.waiting.push(() => {
          clearTimeout(timer);
          done();
        });
      });
    }
  }

  send(value: unknown): void {
    this.socket.send(typeof value === 'string' ? value : JSON.stringify(value));
  }

  async challenge(): Promise<Body> {
    return (await this.until(() => this.frames.find((frame) => frame['event'] === 'connect.challenge')))['payload'] as Body;
  }

  async connect(params: unknown): Promise<Frame> {
    await this.challenge();
    this.send({ type: 'req', id: 'connect', method: 'connect', params });
    return this.response('connect');
  }

  /** Frames with this id, by position: `agent` has two. */
  response(id: string, index = 0): Promise<Frame> {
    return this.until(() => this.frames.filter((frame) => frame.type === 'res' && frame['id'] === id)[index]);
  }

  call(method: string, params?: unknown): string {
    const id = `r${(this.nextId += 1)}`;
    this.send({ type: 'req', id, method, ...(params === undefined ? {} : { params }) });
    return id;
  }

  async request(method: string, params?: unknown): Promise<Frame> {
    return this.response(this.call(method, params));
  }

  async payload(method: string, params?: unknown): Promise<Body> {
    const frame = await this.request(method, params);
    if (frame['ok'] !== true) throw new Error(JSON.stringify(frame['error']));
    return frame['payload'] as Body;
  }

  async error(method: string, params?: unknown): Promise<Body> {
    const frame = await this.request(method, params);
    if (frame['ok'] !== false) throw new Error(`expected a failure of ${method}`);
    return frame['error'] as Body;
  }

  events(name: string): Body[] {
    return this.frames.filter((frame) => frame['event'] === name).map((frame) => frame['payload'] as Body);
  }

  end(): Promise<{ code: number; reason: string }> {
    return this.until(() => this.closed);
  }
}

export const connectParams = (over: Body = {}): Body => ({
  minProtocol: 4,
  maxProtocol: 4,
  client: { id: 'cli', version: '1.0.0', platform: 'linux', mode: 'cli' },
  role: 'operator',
  scopes: ['operator.admin'],
  caps: [],
  auth: { token: TOKEN },
  ...over,
});

export async function connected(port: number, over: Body = {}, headers: Record<string, string> = {}): Promise<Raw> {
  const raw = new Raw(port, headers);
  const hello = await raw.connect(connectParams(over));
  if (hello['ok'] !== true) throw new Error(JSON.stringify(hello));
  return raw;
}

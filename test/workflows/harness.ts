/**
 * A session workflow on a real Temporal server with the real store, door, sweeper and activities; only model and tools
 * are scripted. Each test has its own namespace-wide unique session and store.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { pino } from 'pino';
import { createBookkeeping } from '../../src/activities/bookkeeping.js';
import { createCallModel } from '../../src/activities/call-model.js';
import type { ActivityDeps, TurnSettings } from '../../src/activities/deps.js';
import { heartbeating } from '../../src/activities/heartbeat.js';
import type { Speech } from '../../src/activities/media/speech.js';
import { createRunTool } from '../../src/activities/run-tool.js';
import type { ModelRegistry } from '../../src/activities/models/types.js';
import type { ToolRegistry } from '../../src/activities/tools/types.js';
import { createBus } from '../../src/bus/bus.js';
import type { BudgetLimits } from '../../src/core/budget.js';
import type { RunEvent } from '../../src/core/events.js';
import { RPC_CHANNEL, SEARCH_ATTRIBUTES, TASK_QUEUE, TIMINGS, hostQueue, sessionWorkflowId } from '../../src/core/names.js';
import type { Attachment } from '../../src/core/message.js';
import type { DoorAnswer, TurnRequest } from '../../src/core/ports.js';
import type { Role } from '../../src/core/queue.js';
import { createApprovals } from '../../src/sessions/approvals.js';
import { createSessionControl } from '../../src/sessions/control.js';
import { createSessionEngine } from '../../src/sessions/engine.js';
import { createDoor } from '../../src/sessions/intake.js';
import { type QueueDefaults, QUEUE_DEFAULTS } from '../../src/sessions/queueing.js';
import { createSweeper } from '../../src/sessions/sweeper.js';
import { createMediaStore } from '../../src/storage/media.js';
import { loadIdentity } from '../../src/storage/meta.js';
import { createRunReader } from '../../src/storage/runs.js';
import { isTerminal } from '../../src/core/run.js';
import { openStore } from '../../src/storage/sqlite.js';
import { toolset } from '../servers/scripted.js';

Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } } });

export async function startServer(dynamicConfig: Readonly<Record<string, string | number>> = {}): Promise<TestWorkflowEnvironment> {
  const path = process.env['OPENCLAW_TEMPORAL_CLI'];
  if (path === undefined) throw new Error('OPENCLAW_TEMPORAL_CLI is not set: run the tests with npm test');
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path },
      searchAttributes: Object.values(SEARCH_ATTRIBUTES).map((name) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD)),
      extraArgs: Object.entries({ 'history.transferProcessorMaxPollRPS': 2000, 'history.timerProcessorMaxPollRPS': 2000, ...dynamicConfig }).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
      ui: false,
      log: { format: 'pretty', level: 'error' },
    },
  });
}

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;
export const workflowBundle = (): Promise<WorkflowBundleWithSourceMap> =>
  (bundle ??= bundleWorkflowCode({ workflowsPath: new URL('../../src/workflows/index.ts', import.meta.url).pathname, logger: pino({ level: 'silent' }) as never }));

export interface HouseOptions {
  readonly models: ModelRegistry;
  readonly tools?: ToolRegistry;
  readonly settings?: Partial<TurnSettings>;
  /** Read at every use: a test may change it. */
  readonly budgets?: () => BudgetLimits;
  /** 0 replays the whole history on every task: any non-determinism fails the test. */
  readonly maxCachedWorkflows?: number;
  readonly endCommand?: (key: string) => boolean;
  readonly queue?: Partial<QueueDefaults>;
  /** Who transcribes recordings. */
  readonly speech?: Speech;
}

export interface Saying {
  readonly role?: Role;
  readonly principal?: string;
  /** Conversation it is said in. */
  readonly place?: string;
  readonly group?: boolean;
  readonly turn?: TurnRequest;
  readonly reset?: boolean;
}

export type House = Awaited<ReturnType<typeof buildHouse>>;

export async function buildHouse(env: TestWorkflowEnvironment, options: HouseOptions) {
  const dir = mkdtempSync(join(tmpdir(), 'openclaw-house-'));
  const db = await openStore(join(dir, 'openclaw.db'));
  const { hostId } = await loadIdentity(db);
  const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
  const bus = createBus();
  const events: RunEvent[] = [];
  bus.subscribe((event) => void events.push(event));
  const draining = new AbortController();
  const deps: ActivityDeps = {
    db, events: bus, media: createMediaStore(db, join(dir, 'media')), log, hostId,
    draining: draining.signal,
    endCommand: async (key) => options.endCommand?.(key) ?? false,
    models: () => options.models,
    ...(options.speech ? { speech: () => options.speech! } : {}),
    tools: () => options.tools ?? toolset(),
    settings: () => ({ maxSteps: 20, idleMs: 60_000, thinking: 'off', ...options.settings }),
    budgets: () => ({ limits: options.budgets?.() ?? {}, timezone: 'UTC' }),
    systemPrompt: async () => 'You are a test.',
  };
  const engine = createSessionEngine(env.client);
  const shared = { connection: env.nativeConnection, namespace: env.namespace!, maxHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle, defaultHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle };
  const reader = createRunReader(db);
  let workers: Worker[] = [];
  let runs: Promise<void>[] = [];

  /** @param changed another bundle than the workflow's: a deploy */
  async function startWorkers(changed?: WorkflowBundleWithSourceMap): Promise<void> {
    workers = await Promise.all([
      Worker.create({ ...shared, taskQueue: TASK_QUEUE, workflowBundle: changed ?? (await workflowBundle()), activities: heartbeating(createBookkeeping(deps)), stickyQueueScheduleToStartTimeout: TIMINGS.stickyScheduleToStart, ...(options.maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows: options.maxCachedWorkflows }) }),
      Worker.create({ ...shared, taskQueue: hostQueue(hostId), activities: { ...createCallModel(deps), default: createRunTool(deps) } }),
    ]);
    runs = workers.map((worker) => worker.run());
  }
  async function stopWorkers(): Promise<void> {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.all(runs);
  }
  await startWorkers();
  const door = createDoor({ db, engine, events: bus, log, queue: () => ({ ...QUEUE_DEFAULTS, ...options.queue }) });

  return {
    db, deps, engine, events, log, reader, door, startWorkers, stopWorkers,
    sweeper: createSweeper({ db, engine, log }, { staleMs: 0 }),
    control: createSessionControl({ db, engine }),
    approvals: createApprovals({ db, engine, events: bus, log }),
    send: (session: string, runId: string, text: string, turn?: TurnRequest, attachments: readonly Attachment[] = []): Promise<DoorAnswer> =>
      door.accept({
        // Named, so that a test says what it means: the product's default is steer.
        session, runId, principal: 'owner', role: 'owner', turn: { mode: 'followup', ...turn },
        message: { channel: RPC_CHANNEL, account: 'default', conversation: { kind: 'direct', id: session }, sender: { id: 'owner' }, messageId: runId, event: { type: 'message' }, time: Date.now(), text, mentions: [], attachments },
      }),
    /** As somebody, in some place, in some way. */
    say: (session: string, runId: string, text: string, how: Saying = {}): Promise<DoorAnswer> => {
      const { role = 'owner', principal = role, place = session, group = false, turn, reset } = how;
      return door.accept({
        session, runId, principal, role, ...(turn ? { turn } : {}), ...(reset ? { reset } : {}),
        message: {
          channel: RPC_CHANNEL, account: 'default', conversation: { kind: group ? 'group' : 'direct', id: place }, sender: { id: principal, name: principal }, messageId: runId, event: { type: 'message' }, time: Date.now(), text,
          mentions: [], attachments: [],
        },
      });
    },
    /** The run's row once it is terminal. */
    async ended(runId: string, timeoutMs = 30_000) {
      for (const limit = Date.now() + timeoutMs; ; ) {
        const row = await reader.run(runId);
        if (row && isTerminal(row.state)) return row;
        if (Date.now() > limit) throw new Error(`run ${runId} did not end: ${row?.state ?? 'no row'}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    /** Waits for something the house does. */
    async until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
      for (const limit = Date.now() + timeoutMs; !(await condition()); ) {
        if (Date.now() > limit) throw new Error(`not in time: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    rows: async (session: string) => (await reader.history(session, { limit: 1000 })).rows,
    handle: (session: string) => env.client.workflow.getHandle(sessionWorkflowId(session)),
    async close(): Promise<void> {
      await stopWorkers();
      await db.destroy();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/**
 * One server for the tests of a file, and a house for each: closed after its test.
 * @param prefix of session keys: every test has a session of its own, since they share the server
 */
export function useServer(prefix: string, dynamicConfig: Readonly<Record<string, string | number>> = {}) {
  let env: TestWorkflowEnvironment;
  let count = 0;
  const houses: House[] = [];
  beforeAll(async () => {
    env = await startServer(dynamicConfig);
  });
  afterEach(async () => {
    for (const house of houses.splice(0)) await house.close();
  });
  afterAll(() => env?.teardown());
  return {
    session: (): string => `agent:main:${prefix}${++count}`,
    async open(options: HouseOptions): Promise<House> {
      const house = await buildHouse(env, options);
      houses.push(house);
      return house;
    },
  };
}

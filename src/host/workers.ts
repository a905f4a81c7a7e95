/**
 * The workers of one process, on one connection: `openclaw` (workflows, bookkeeping) and this host's queue (model calls,
 * tools). Invariant: a worker that fails is made anew; stopping ends polls first and gives running steps a limit.
 */
import { Runtime, DefaultLogger, Worker, type LogLevel, type NativeConnection } from '@temporalio/worker';
import { hostname } from 'node:os';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createBookkeeping } from '../activities/bookkeeping.js';
import { createCallModel } from '../activities/call-model.js';
import { createLineActivities } from '../activities/delivery.js';
import type { ActivityDeps } from '../activities/deps.js';
import { heartbeating } from '../activities/heartbeat.js';
import { type PairingDeps, createPairingActivities } from '../activities/pairing.js';
import { createRunTool } from '../activities/run-tool.js';
import type { ChannelState } from '../core/channel.js';
import { TASK_QUEUE, TIMINGS, hostQueue } from '../core/names.js';
import type { Logger } from '../core/ports.js';
import { keepWorker } from './keep-worker.js';

export interface Workers {
  /** Every worker polls. */
  running(): boolean;
  /** Stops polling, waits for running steps up to the limit, and never ends a turn: what is cut is resumed. */
  stop(): Promise<void>;
}

export interface WorkersOptions {
  readonly native: NativeConnection;
  readonly namespace: string;
  readonly deps: ActivityDeps;
  readonly pairing: PairingDeps;
  readonly log: Logger;
  /** For what delivery workflows show. */
  readonly channelState?: (channel: string, account: string) => ChannelState | undefined;
  /** How long running steps may go on after a stop. */
  readonly graceMs?: number;
  /** Does the making of a worker, and does it again where the server died under it. */
  readonly outlast?: <T>(step: () => Promise<T>) => Promise<T>;
}

const GRACE_MS = 20_000;
/** A slot is a tool or a model call that mostly waits. */
const HOST_SLOTS = 100;

/** The bundle is made by the build; from sources (tests) the worker bundles by itself. */
function workflowSource(): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  const bundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  return existsSync(bundle) ? { workflowBundle: { codePath: bundle } } : { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) };
}

let installed = false;
/** Once a process: the SDK's own lines go to our log, and signals are ours to handle. */
export function installRuntime(log: Logger): void {
  if (installed) return;
  installed = true;
  const levels: Record<LogLevel, 'debug' | 'info' | 'warn' | 'error'> = { TRACE: 'debug', DEBUG: 'debug', INFO: 'debug', WARN: 'info', ERROR: 'info' };
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => log[levels[level]]({ sdk: plain(meta) }, message)),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
    shutdownSignals: [],
  });
}

/** Failures carry causes and buffers; a log line carries what a person reads. */
const plain = (meta: object | undefined): object =>
  Object.fromEntries(Object.entries(meta ?? {}).map(([name, value]) => [name, value instanceof Error ? value.message : typeof value === 'object' ? undefined : value]));

/** What all workers of a process share. */
export const sharedOptions = (options: Pick<WorkersOptions, 'native' | 'namespace' | 'graceMs'>) => ({
  connection: options.native,
  namespace: options.namespace,
  identity: `openclaw@${hostname()}:${process.pid}`,
  shutdownGraceTime: options.graceMs ?? GRACE_MS,
  maxHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle,
  defaultHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle,
});

export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { deps, log } = options;
  const shared = sharedOptions(options);
  const runTool = createRunTool(deps);
  const lines = createLineActivities({ db: deps.db, log, ...(options.channelState ? { channelState: options.channelState } : {}) });
  const makers = [
    () =>
      Worker.create({
        ...shared,
        ...workflowSource(),
        taskQueue: TASK_QUEUE,
        activities: heartbeating({ ...createBookkeeping(deps), ...lines, ...createPairingActivities(options.pairing) }),
        stickyQueueScheduleToStartTimeout: TIMINGS.stickyScheduleToStart,
      }),
    // Registered as `default`, the handler serves every tool's name.
    () => Worker.create({ ...shared, taskQueue: hostQueue(deps.hostId), activities: { ...createCallModel(deps), default: runTool }, maxConcurrentActivityTaskExecutions: HOST_SLOTS }),
  ];
  const outlast = options.outlast ?? ((step) => step());
  const workers = await Promise.all(makers.map((make) => outlast(() => keepWorker(make, log))));
  return {
    running: () => workers.every((worker) => worker.running()),
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

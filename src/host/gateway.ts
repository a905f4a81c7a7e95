/**
 * `openclaw gateway`: door, worker and engine in one process.
 * Order of a start: lock and the engine's process (`boot.ts`), store, port, engine, workers, sweeper. The port answers within a moment (`/readyz` says 503
 * until the engine is there), and a message sent meanwhile is accepted: its row waits for the sweeper.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createBus } from '../bus/bus.js';
import { createRing } from '../bus/ring.js';
import { serveRunSocket } from '../bus/socket.js';
import { forgetJobs, pruneJobs } from '../activities/tools/exec/jobs.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/ports.js';
import { buildGateway, listen } from '../gateway/app.js';
import type { HealthReport } from '../gateway/deps.js';
import { createApprovals } from '../sessions/approvals.js';
import { createBudgetControl } from '../sessions/budgets.js';
import { createSessionControl } from '../sessions/control.js';
import { type SessionEngine, createSessionEngine } from '../sessions/engine.js';
import { createErasing } from '../sessions/erasing.js';
import { createDoor } from '../sessions/intake.js';
import { createKeeping } from '../sessions/keeping.js';
import { createOutbound } from '../sessions/outbound.js';
import { createSessionRepair } from '../sessions/recover.js';
import { tellingEngine } from '../sessions/successor.js';
import { createSweeper } from '../sessions/sweeper.js';
import { createWatcher } from '../sessions/watcher.js';
import { gatewayToken } from '../storage/config/index.js';
import { openNotices, resolve } from '../storage/notices.js';
import { createRunReader } from '../storage/runs.js';
import { createSpendingReader } from '../storage/spending.js';
import { banner } from './banner.js';
import type { BootedOptions } from './boot.js';
import { createChannels } from './channels.js';
import { createChat } from './chat.js';
import { type Closing, createClosing } from './closing.js';
import { createConfigControl } from './config-control.js';
import { watchConfig } from './config-watch.js';
import { epochBeat, reconcile } from './divergence.js';
import { doctorChecks } from './doctor.js';
import { watchExternal } from './external-watch.js';
import { createModelsPort } from './models-port.js';
import { createPeopleOfHouse } from './people.js';
import { showProgress } from './progress.js';
import { openRuntime } from './runtime.js';
import { sendingAccounts } from './sending-accounts.js';
import { untilSignal } from './signals.js';
import { type Temporal, connectTemporal } from './temporal.js';
import { VERSION } from './version.js';
import { type Workers, installRuntime, startWorkers } from './workers.js';

/** Running steps have 20 s to finish (`GRACE_MS` of the workers); the rest closes in a moment. */
const CLOSE_LIMIT_MS = 30_000;
/** A stop during the start waits this long for it; a server that is being started goes on by itself and is adopted later. */
const START_CUT_MS = 2_000;
/** From an activity's last word to its workflow's end. */
const CHAIN_ENDED_MS = 1_000;
/** Finished commands are kept for people to look at. */
const JOBS_KEPT_MS = 30 * 24 * 3_600_000;

/** Runs until SIGTERM or Ctrl-C. @returns the exit code. @throws CodedError when it cannot start, with what to do */
export async function runGateway(options: BootedOptions): Promise<number> {
  const closing = createClosing();
  closing.opened('lock', () => options.lock.release());
  let complain = (problem: string): void => void process.stderr.write(`warning: ${problem}\n`);
  try {
    return await serve(options, closing, (log) => (complain = (problem) => log.warn({ error: problem }, 'the stop was not clean')));
  } finally {
    await closing.close(CLOSE_LIMIT_MS, complain);
  }
}

async function serve(options: BootedOptions, closing: Closing, onLog: (log: Logger) => void): Promise<number> {
  const startedAt = Date.now();
  const runtime = await openRuntime({ ...options, name: 'gateway' });
  closing.opened('store', () => runtime.close());
  const { paths, log, db, live } = runtime;
  onLog(log);
  const { config } = live.loaded();
  for (const warning of live.loaded().warnings) log.warn({}, `${live.loaded().path}:${warning.line}:${warning.column} ${warning.message}`);

  const bus = createBus();
  const ring = createRing(bus);
  closing.opened('ring', () => ring.close());
  const socket = await serveRunSocket(paths.runSocket, bus);
  closing.opened('run.sock', () => socket.close());
  const draining = new AbortController();
  const late = lateEngine();
  const watcher = createWatcher({ db, engine: late.engine, log });
  const engine = tellingEngine({ db, engine: late.engine, log, gone: (session) => watcher.gone(session) });
  const door = createDoor({ db, engine, events: bus, log, queue: () => live.loaded().config.messages.queue });
  const approvals = createApprovals({ db, engine, events: bus, log });
  const budgets = createBudgetControl({ db, engine, events: bus, log, budgets: () => live.budgets() });
  const channels = createChannels({ db, media: runtime.media, log, env: options.env, config: () => live.loaded().config, onInbound: async (message) => void (await chat.receive(message)) });
  const house = createPeopleOfHouse({ db, config: () => live.loaded().config, engine, deliveries: channels.deliveries, events: bus, log });
  const rows = createRunReader(db);
  const control = createSessionControl({ db, engine });
  const erasing = createErasing({ db, engine: late.engine, log, media: runtime.media, retentionDays: () => live.loaded().config.session.retentionDays, forgetCommands: (calls) => forgetJobs(paths.jobs, calls) });
  const spending = { ...budgets, ...createSpendingReader(db, () => live.budgets()) };
  const chat = createChat({
    db, config: () => live.loaded().config, people: house.people, pairing: house.pairing, contacts: house.contacts, door, control, approvals, budgets: spending,
    deliveries: channels.deliveries, rows, models: () => live.models(), events: bus, log,
  });
  closing.opened('chat', () => chat.stop());
  closing.opened('progress', showProgress({ db, events: bus, log, adapter: (channel, account) => channels.adapter(channel, account) }));
  let beat = (): Promise<void> => Promise.resolve();
  const sweeper = createSweeper({ db, engine: late.engine, log, passes: [() => budgets.sweep(), () => approvals.resignal(), () => watcher.pass(), () => channels.deliveries.sweep(), () => house.sweep(), () => chat.sweep(), () => erasing.sweep(), () => beat()], onGone: (session) => watcher.gone(session) });
  const models = createModelsPort(() => live.models());
  let temporal: Temporal | undefined;
  let workers: Workers | undefined;
  let engineUp = false;
  let problem: string | undefined;

  const health = (): HealthReport => {
    const failing = [...(engineUp ? [] : ['engine']), ...(workers?.running() ? [] : ['workers'])];
    return {
      ready: failing.length === 0,
      failing,
      details: {
        engine: {
          up: engineUp,
          embedded: temporal ? temporal.engine !== undefined : undefined,
          ...(temporal ? { address: temporal.address, namespace: temporal.namespace, uiUrl: temporal.uiUrl } : {}),
          ...(problem === undefined ? {} : { problem }),
        },
      },
    };
  };
  const app = buildGateway({
    door, events: bus, ring, rows, models, health, log, startedAt,
    sessions: control,
    repair: createSessionRepair({ db, engine, log }),
    keeping: createKeeping({ db, engine, queue: () => live.loaded().config.messages.queue }),
    erasing,
    notices: { open: () => openNotices(db), dismiss: (key) => resolve(db, key) },
    approvals,
    pairing: house.pairing,
    contacts: house.contacts,
    channels,
    deliveries: channels.deliveries,
    outbound: createOutbound({ db, deliveries: channels.deliveries, accounts: () => sendingAccounts(live.loaded().config, options.env) }),
    budgets: spending,
    config: createConfigControl({ live, path: paths.configPath, env: options.env, log, applied: () => channels.apply() }),
    doctor: (deep) => doctorChecks({ runtime, temporal: () => temporal, models, pairing: house.pairing, channels, deliveries: channels.deliveries }, deep),
    media: runtime.media,
    token: gatewayToken({ env: options.env, configured: config.gateway.auth.token, stateDir: paths.stateDir }),
    version: VERSION,
    stateDir: paths.stateDir,
    allowedHosts: config.gateway.allowedHosts,
    webUrl: (session) => temporal?.webUrl(session),
  });

  closing.opened('config watch', watchConfig(paths.configPath, live, log, () => Promise.all([channels.apply(), budgets.sweep()]).then(() => undefined)));
  closing.opened('Temporal', () => temporal?.close());
  closing.opened('workers', () => Promise.all([workers?.stop(), channels.close()]));
  // Intake ends first: what comes now goes to the next gateway.
  closing.opened('door', () => app.close());
  closing.opened('channels', () => channels.stopIntake());
  closing.opened('sweeper', () => sweeper.stop());
  closing.opened('steps', () => draining.abort(new Error('the gateway is stopping')));

  const { url } = await listen(app, { port: options.port ?? config.gateway.port, bind: config.gateway.bind });
  // A second Ctrl-C must work from the first moment on.
  const ending = untilSignal();
  const starting = start();
  const first = await Promise.race([ending, starting]);
  if (first === undefined) {
    process.stdout.write(banner({ url, stateDir: paths.stateDir, workspace: live.workspace(), models: live.models(), temporal: temporal!, startedAt, execMode: live.loaded().config.tools.exec.mode }));
    // Late on purpose: a removed job reads as "never begun", so only what no call can still ask for goes, and no start waits for it.
    pruneJobs(paths.jobs, Date.now() - JOBS_KEPT_MS).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'old jobs were not removed'));
  }
  const signal = first ?? (await ending);
  process.stdout.write(`${signal}: stopping; running steps finish, runs go on with the next start (again: stop at once)\n`);
  draining.abort(new Error('the gateway is stopping'));
  await Promise.race([starting.catch(() => undefined), sleep(START_CUT_MS, undefined, { ref: false })]);
  return 0;

  async function start(): Promise<undefined> {
    installRuntime(log);
    temporal = await connectTemporal({ env: options.env, config, stateDir: paths.stateDir, installId: runtime.identity.installId, log, embed: true, begun: options.begun });
    if (draining.signal.aborted) return undefined;
    const onDown = (reason: string): void => {
      engineUp = false;
      problem = reason;
      log.warn({ error: reason }, temporal?.engine ? 'the embedded Temporal server is down and is started again' : 'the Temporal server does not answer');
    };
    const onUp = (): void => {
      engineUp = true;
      problem = undefined;
      log.warn({}, 'the Temporal server answers again');
      sweeper.wake();
    };
    if (temporal.engine) {
      temporal.engine.onDown(onDown);
      temporal.engine.onUp(onUp);
    } else closing.opened('external watch', watchExternal(temporal.client, { onDown, onUp }));
    engineUp = true;
    const engine = createSessionEngine(temporal.client);
    const apart = { db, engine, log, connection: temporal.connection, namespace: temporal.namespace, installId: runtime.identity.installId };
    await temporal.outlast(() => reconcile(apart));
    beat = epochBeat(apart);
    late.arrived(engine);
    house.open(temporal.client);
    workers = await startWorkers({ native: temporal.native, namespace: temporal.namespace, deps: { ...runtime.activityDeps(bus, draining.signal), chainEnds, deliveries: channels.deliveries }, pairing: house.activities, log, outlast: temporal.outlast, channelState: (channel, account) => channels.state(channel, account) });
    await channels.open(temporal);
    sweeper.start();
    return undefined;

    /** The minute's sweep would find it too. */
    function chainEnds(): void {
      setTimeout(() => sweeper.wake(), CHAIN_ENDED_MS).unref();
    }
  }
}

/** The engine's client before the engine is there: every call fails, and the rows wait for the sweeper. */
function lateEngine(): { readonly engine: SessionEngine; arrived(engine: SessionEngine): void } {
  let current: SessionEngine | undefined;
  const now = async (): Promise<SessionEngine> => {
    if (!current) throw new Error('the engine is starting');
    return current;
  };
  return {
    engine: {
      deliver: async (to, item) => (await now()).deliver(to, item),
      stop: async (to, order) => (await now()).stop(to, order),
      decided: async (to, answer) => (await now()).decided(to, answer),
      isRunning: async (session) => (await now()).isRunning(session),
      view: async (session) => (await now()).view(session),
      condition: async (session) => (await now()).condition(session),
      terminate: async (session, reason) => (await now()).terminate(session, reason),
      async *runningSessions() {
        yield* (await now()).runningSessions();
      },
    },
    arrived(engine) {
      current = engine;
    },
  };
}

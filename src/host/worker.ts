/**
 * `openclaw worker`: a worker alone, beside a Temporal server of the user's. Events go to the gateway over `run.sock`.
 */
import { connectRunSocket } from '../bus/socket.js';
import { createDeliveries } from '../sessions/deliveries.js';
import { createSessionEngine } from '../sessions/engine.js';
import { createDeliveryEngine } from '../sessions/delivery-engine.js';
import type { PathOptions } from '../storage/config/index.js';
import { createClosing } from './closing.js';
import { createPeopleOfHouse } from './people.js';
import { openRuntime } from './runtime.js';
import { untilSignal } from './signals.js';
import { connectTemporal } from './temporal.js';
import { installRuntime, startWorkers } from './workers.js';

/** As the gateway's: running steps have 20 s. */
const CLOSE_LIMIT_MS = 30_000;

/** Runs until SIGTERM or Ctrl-C. @returns the exit code. @throws CodedError when it cannot start */
export async function runWorker(options: PathOptions & { readonly logLevel?: string | undefined }): Promise<number> {
  const runtime = await openRuntime({ ...options, name: 'worker' });
  const { log, live, paths } = runtime;
  const closing = createClosing();
  closing.opened('store', () => runtime.close());
  try {
    installRuntime(log);
    const events = connectRunSocket(paths.runSocket);
    closing.opened('run.sock', () => events.close());
    const temporal = await connectTemporal({ env: options.env, config: live.loaded().config, stateDir: paths.stateDir, installId: runtime.identity.installId, log, embed: false });
    closing.opened('Temporal', () => temporal.close());
    const draining = new AbortController();
    const deliveries = createDeliveries({ db: runtime.db, engine: createDeliveryEngine(temporal.client), log });
    const house = createPeopleOfHouse({ db: runtime.db, config: () => live.loaded().config, engine: createSessionEngine(temporal.client), deliveries, events, log });
    const workers = await startWorkers({ native: temporal.native, namespace: temporal.namespace, deps: { ...runtime.activityDeps(events, draining.signal), deliveries }, pairing: house.activities, log });
    closing.opened('workers', () => workers.stop());
    closing.opened('steps', () => draining.abort(new Error('the worker is leaving')));
    process.stdout.write(`worker ready · Temporal ${temporal.address} · namespace ${temporal.namespace} · model ${live.models().chain[0]}\n`);
    const signal = await untilSignal();
    process.stdout.write(`${signal}: running steps finish, unfinished ones go on with the next worker\n`);
    return 0;
  } finally {
    await closing.close(CLOSE_LIMIT_MS, (problem) => log.warn({ error: problem }, 'the stop was not clean'));
  }
}

/**
 * `openclaw worker`: a worker alone, beside a Temporal server of the user's. Events go to the gateway over `run.sock`.
 */
import { connectRunSocket } from '../bus/socket.js';
import type { PathOptions } from '../storage/config/index.js';
import { openRuntime } from './runtime.js';
import { untilSignal } from './signals.js';
import { connectTemporal } from './temporal.js';
import { installRuntime, startWorkers } from './workers.js';

/** Runs until SIGTERM or Ctrl-C. @returns the exit code. @throws CodedError when it cannot start */
export async function runWorker(options: PathOptions & { readonly logLevel?: string | undefined }): Promise<number> {
  const runtime = await openRuntime({ ...options, name: 'worker' });
  installRuntime(runtime.log);
  const events = connectRunSocket(runtime.paths.runSocket);
  const draining = new AbortController();
  try {
    const temporal = await connectTemporal({ env: options.env, config: runtime.live.loaded().config, stateDir: runtime.paths.stateDir, installId: runtime.identity.installId, log: runtime.log, embed: false });
    const workers = await startWorkers({ native: temporal.native, namespace: temporal.namespace, deps: runtime.activityDeps(events, draining.signal), log: runtime.log });
    process.stdout.write(`worker ready · Temporal ${temporal.address} · namespace ${temporal.namespace} · model ${runtime.live.models().chain[0]}\n`);
    const signal = await untilSignal();
    process.stdout.write(`${signal}: running steps finish, unfinished ones go on with the next worker\n`);
    draining.abort(new Error('the worker is leaving'));
    await workers.stop();
    await temporal.close();
    return 0;
  } finally {
    events.close();
    await runtime.close();
  }
}

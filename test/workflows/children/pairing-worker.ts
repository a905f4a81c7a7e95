/**
 * A worker of the pairing activities that kills itself at one point. Arguments: Temporal's address, namespace, store, file
 * of signals, point: `<activity>:before|after`, or `signal <n>:before|after`.
 */
import { NativeConnection, Worker } from '@temporalio/worker';
import { createPairingActivities } from '../../../src/activities/pairing.js';
import { heartbeating } from '../../../src/activities/heartbeat.js';
import { TASK_QUEUE, TIMINGS } from '../../../src/core/names.js';
import { openStore } from '../../../src/storage/sqlite.js';
import { lobbyDeps } from '../pairing-deps.js';

const [address, namespace, store, signals, point] = process.argv.slice(2) as [string, string, string, string, string];
const reach = (here: string): void => {
  if (here === point) process.kill(process.pid, 'SIGKILL');
};
let nth = 0;
const deps = lobbyDeps({
  db: await openStore(store), signals, config: () => ({}),
  around(when) {
    if (when === 'before') nth += 1;
    reach(`signal ${nth}:${when}`);
  },
});
const activities = Object.entries(createPairingActivities(deps) as unknown as Record<string, (input: unknown) => Promise<unknown>>).map(([name, run]) => [
  name,
  async (input: unknown) => {
    reach(`${name}:before`);
    const result = await run(input);
    reach(`${name}:after`);
    return result;
  },
]);
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }), namespace, taskQueue: TASK_QUEUE, maxHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle, defaultHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle,
  activities: heartbeating(Object.fromEntries(activities) as object),
});
process.stdout.write('ready\n');
await worker.run();

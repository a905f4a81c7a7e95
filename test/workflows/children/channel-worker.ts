/** A worker of one channel account in a process of its own. Arguments: Temporal's address, namespace, store, platform. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { createChannelActivities } from '../../../src/activities/delivery.js';
import { TIMINGS, channelQueue } from '../../../src/core/names.js';
import { openStore } from '../../../src/storage/sqlite.js';
import { fakeSender } from '../../servers/fake-channel.js';

const [address, namespace, store, url, channel] = process.argv.slice(2) as [string, string, string, string, string];
const quiet = (): void => undefined;
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  namespace,
  taskQueue: channelQueue(channel, 'default'),
  maxHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle,
  defaultHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle,
  activities: createChannelActivities({ db: await openStore(store), log: { debug: quiet, info: quiet, warn: quiet, error: quiet }, sender: fakeSender({ url, channel }), staleMs: () => 3_600_000 }),
});
process.stdout.write('ready\n');
await worker.run();

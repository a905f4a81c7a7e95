/** Delivery workflows on a real Temporal server with the real store and activities, against a made-up platform. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Worker } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { type LineActivities, createChannelActivities, createLineActivities } from '../../src/activities/delivery.js';
import { heartbeating } from '../../src/activities/heartbeat.js';
import type { ChannelState, NewDelivery } from '../../src/core/channel.js';
import { TASK_QUEUE, TIMINGS, channelQueue } from '../../src/core/names.js';
import type { ChannelLine } from '../../src/core/ports.js';
import { createDeliveries } from '../../src/sessions/deliveries.js';
import { createDeliveryEngine, lineWorkflowId } from '../../src/sessions/delivery-engine.js';
import { openStore } from '../../src/storage/sqlite.js';
import { type FakeSenderOptions, fakeSender, startFakePlatform } from '../servers/fake-channel.js';
import { workflowBundle } from './harness.js';

export interface PostOptions extends Omit<FakeSenderOptions, 'url' | 'channel'> {
  /** Of its own, so that tests share a server. */
  readonly channel: string;
  readonly staleMs?: () => number;
  readonly channelState?: () => ChannelState | undefined;
  /** Between a look that found the line empty and the workflow's hearing of it. */
  readonly onEmpty?: () => Promise<void>;
  /** The channel's worker is started later, by the test. */
  readonly away?: boolean;
}

export type Post = Awaited<ReturnType<typeof buildPost>>;

export async function buildPost(env: TestWorkflowEnvironment, options: PostOptions) {
  const dir = mkdtempSync(join(tmpdir(), 'openclaw-post-'));
  const file = join(dir, 'openclaw.db');
  const db = await openStore(file);
  const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
  const platform = await startFakePlatform();
  const shared = { connection: env.nativeConnection, namespace: env.namespace!, maxHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle, defaultHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle };
  const running: { readonly worker: Worker; readonly run: Promise<void> }[] = [];
  const start = (worker: Worker): void => void running.push({ worker, run: worker.run() });

  const lines = createLineActivities({ db, log, channelState: options.channelState ?? (() => 'connected') });
  const nextDelivery: LineActivities['nextDelivery'] = async (of) => {
    const found = await lines.nextDelivery(of);
    if (!found) await options.onEmpty?.();
    return found;
  };
  const startChannel = async (): Promise<void> =>
    start(await Worker.create({ ...shared, taskQueue: channelQueue(options.channel, 'default'), activities: createChannelActivities({ db, log, sender: fakeSender({ ...options, url: platform.url }), staleMs: options.staleMs ?? (() => 3_600_000) }) }));
  start(await Worker.create({ ...shared, taskQueue: TASK_QUEUE, workflowBundle: await workflowBundle(), activities: heartbeating({ ...lines, nextDelivery }), stickyQueueScheduleToStartTimeout: TIMINGS.stickyScheduleToStart, maxCachedWorkflows: 0 }));
  if (!options.away) await startChannel();

  const engine = createDeliveryEngine(env.client);
  const deliveries = createDeliveries({ db, engine, log });
  let count = 0;
  const line = (chat: string): ChannelLine => ({ channel: options.channel, account: 'default', conversation: chat });
  const make = (chat: string, markdown: string, over: Partial<NewDelivery> = {}): NewDelivery => ({
    id: `d${(count += 1)}`, to: { channel: options.channel, account: 'default', conversation: { kind: 'direct', id: chat } }, kind: 'message', source: { type: 'text', markdown }, ...over,
  });
  return {
    db, file, log, engine, deliveries, platform, startChannel, line, make,
    /** @returns its id */
    async send(chat: string, markdown: string, over: Partial<NewDelivery> = {}): Promise<string> {
      const delivery = make(chat, markdown, over);
      await deliveries.send(delivery);
      return delivery.id;
    },
    /** Waits until the delivery is in one of the states. */
    async reached(id: string, ...states: readonly string[]) {
      for (const limit = Date.now() + 40_000; ; ) {
        const found = (await deliveries.list({ limit: 1_000 })).find((delivery) => delivery.id === id);
        if (found && states.includes(found.state)) return found;
        if (Date.now() > limit) throw new Error(`delivery ${id} is ${found?.state}, not ${states.join(' or ')}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    handle: (chat: string) => env.client.workflow.getHandle(lineWorkflowId(line(chat))),
    async close(): Promise<void> {
      for (const { worker } of running) if (worker.getState() === 'RUNNING') worker.shutdown();
      await platform.close();
      await Promise.all(running.map(({ run }) => run));
      await db.destroy();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The accounts of a process: what the config says is what runs, one account at a time, and nothing else is touched. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLineActivities } from '../../src/activities/delivery.js';
import { heartbeating } from '../../src/activities/heartbeat.js';
import type { AccountConfig, AdapterDeps, ChannelAdapter } from '../../src/adapters/contract.js';
import type { ChannelState } from '../../src/core/channel.js';
import type { InboundMessage } from '../../src/core/message.js';
import { TASK_QUEUE } from '../../src/core/names.js';
import type { Config } from '../../src/core/schema/config.js';
import { type Channels, createChannels } from '../../src/host/channels.js';
import { createMediaStore } from '../../src/storage/media.js';
import { openNotices } from '../../src/storage/notices.js';
import { openStore } from '../../src/storage/sqlite.js';
import { fakeSender, startFakePlatform } from '../servers/fake-channel.js';
import { startServer, workflowBundle } from '../workflows/harness.js';

let env: TestWorkflowEnvironment;
let count = 0;
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  env = await startServer();
});
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});
afterAll(() => env?.teardown());

const account = (channel: string, name: string, over: Partial<AccountConfig> = {}): AccountConfig => ({ channel, account: name, enabled: true, settings: {}, ...over });

async function open() {
  const dir = mkdtempSync(join(tmpdir(), 'openclaw-channels-'));
  const db = await openStore(join(dir, 'openclaw.db'));
  const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
  const platform = await startFakePlatform();
  const channel = `made${(count += 1)}`;
  const world = { accounts: [] as readonly AccountConfig[], loads: 0, failLoad: false, log: [] as string[], state: 'connected' as ChannelState };
  const made: { readonly deps: AdapterDeps; readonly adapter: ChannelAdapter }[] = [];
  const stored: InboundMessage[] = [];

  function make(deps: AdapterDeps): ChannelAdapter {
    const of = { channel: deps.config.channel, account: deps.config.account };
    let state: ChannelState = 'stopped';
    const enter = (next: ChannelState): void => {
      state = next;
      deps.onStatus(adapter.status());
    };
    const adapter: ChannelAdapter = {
      ...of,
      sender: fakeSender({ url: platform.url, ...of }),
      start() {
        world.log.push(`start ${of.account}`);
        enter(world.state);
      },
      async stop() {
        world.log.push(`stop ${of.account}`);
        enter('stopped');
      },
      status: () => ({ ...of, state, since: 1, ...(state === 'failed' ? { lastError: { code: 'AUTH', message: 'the token was refused', hint: 'Give another one.', at: 1 } } : {}) }),
    };
    made.push({ deps, adapter });
    return adapter;
  }

  const channels: Channels = createChannels({
    db, log, env: {}, media: createMediaStore(db, join(dir, 'media')), reloadMs: 50,
    config: () => ({ channels: {}, delivery: { staleMinutes: 60 } }) as unknown as Config,
    onInbound: async (message) => void stored.push(message),
    kinds: [{
      channel,
      accounts: () => world.accounts,
      async load() {
        world.loads += 1;
        if (world.failLoad) throw new Error('no such module');
        return make;
      },
    }],
  });
  const worker = await Worker.create({ connection: env.nativeConnection, taskQueue: TASK_QUEUE, workflowBundle: await workflowBundle(), activities: heartbeating(createLineActivities({ db, log, channelState: channels.state })) });
  const running = worker.run();
  closings.push(async () => {
    await channels.close();
    worker.shutdown();
    await running;
    await platform.close();
    await db.destroy();
    rmSync(dir, { recursive: true, force: true });
  });
  const send = async (name: string, chat: string, markdown: string): Promise<void> => {
    await channels.deliveries.send({ id: `${name}-${chat}-${markdown}`, to: { channel, account: name, conversation: { kind: 'direct', id: chat } }, kind: 'message', source: { type: 'text', markdown } });
  };
  return { db, channels, channel, world, made, stored, platform, send, engine: { client: env.client, native: env.nativeConnection, namespace: env.namespace ?? 'default' } };
}

const states = (channels: Channels): string[] => channels.list().map(({ status }) => `${status.account} ${status.state}`);

describe('the accounts of a process', () => {
  it('start with the engine, send, and stop', async () => {
    const { channels, channel, world, platform, send, engine, made } = await open();
    world.accounts = [account(channel, 'default'), account(channel, 'off', { enabled: false })];
    await channels.apply();
    expect(states(channels)).toEqual(['default stopped', 'off stopped']);
    await send('default', 'c', 'before the engine');
    await channels.open(engine);
    expect(states(channels)).toEqual(['default connected', 'off stopped']);
    expect(channels.list().map(({ enabled, running, isDefault }) => [enabled, running, isDefault])).toEqual([[true, true, true], [false, false, false]]);
    await channels.deliveries.sweep();
    await platform.when(() => platform.messages.length === 1);
    await send('default', 'c', 'after');
    await platform.when(() => platform.messages.length === 2);
    expect(platform.texts('c')).toEqual(['before the engine', 'after']);
    await channels.stopIntake();
    expect(world.log).toEqual(['start default', 'stop default']);
    expect(made).toHaveLength(1);
  });

  it('that changed in the config are made anew, and no other one is', async () => {
    const { channels, channel, world, engine } = await open();
    world.accounts = [account(channel, 'a'), account(channel, 'b'), account(channel, 'c')];
    await channels.open(engine);
    world.log.length = 0;
    world.accounts = [account(channel, 'a'), account(channel, 'b', { settings: { botToken: 'another' } }), account(channel, 'd')];
    await channels.apply();
    expect(world.log.toSorted()).toEqual(['start b', 'start d', 'stop b', 'stop c']);
    expect(world.log.indexOf('stop b')).toBeLessThan(world.log.indexOf('start b'));
    expect(states(channels)).toEqual(['a connected', 'b connected', 'd connected']);
  });

  it('are stopped and started by hand; what waits meanwhile is sent afterwards', async () => {
    const { channels, channel, world, platform, send, engine } = await open();
    world.accounts = [account(channel, 'default')];
    await channels.open(engine);
    await channels.stop(channel);
    expect(states(channels)).toEqual(['default stopped']);
    await channels.apply();
    expect(states(channels)).toEqual(['default stopped']);
    await send('default', 'c', 'waits');
    expect(await channels.start(channel, 'default')).toMatchObject([{ status: { state: 'connected' }, running: true }]);
    await platform.when(() => platform.messages.length === 1);
    await expect(channels.stop('nothing')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(channels.start(channel, 'nobody')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('whose code cannot be loaded are tried again, and say so', async () => {
    const { channels, channel, world, engine } = await open();
    world.accounts = [account(channel, 'default')];
    world.failLoad = true;
    await channels.open(engine);
    expect(channels.list()).toMatchObject([{ running: false, status: { state: 'failed', lastError: { code: 'CHANNEL_START', message: 'no such module' } } }]);
    world.failLoad = false;
    await expect.poll(() => states(channels)).toEqual(['default connected']);
    expect(world.loads).toBeGreaterThan(1);
  });

  it('that fail tell the owner, until they are connected', async () => {
    const { db, channels, channel, world, engine, made } = await open();
    world.accounts = [account(channel, 'default')];
    world.state = 'failed';
    await channels.open(engine);
    await expect.poll(() => openNotices(db)).toMatchObject([{ level: 'error', text: expect.stringContaining('the token was refused'), hint: 'Give another one.' }]);
    world.state = 'connected';
    made[0]!.adapter.start();
    await expect.poll(() => openNotices(db)).toEqual([]);
  });
});

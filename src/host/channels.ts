/**
 * The messenger accounts of this process: for each configured one an adapter and a worker on its queue, by the config as
 * it is now. Invariants: changes of one account happen one after another; an account that did not change is left alone;
 * what is not running keeps its deliveries waiting on its queue.
 */
import { type NativeConnection, Worker } from '@temporalio/worker';
import type { Client } from '@temporalio/client';
import { createChannelActivities } from '../activities/delivery.js';
import type { AccountConfig, AdapterTimings, ChannelAdapter, ChannelKind } from '../adapters/contract.js';
import { CHANNELS } from '../adapters/registry.js';
import type { ChannelAccount, ChannelState, ChannelStatus } from '../core/channel.js';
import { invalidRequest, messageOf } from '../core/errors.js';
import type { InboundMessage } from '../core/message.js';
import { channelQueue } from '../core/names.js';
import type { Logger, MediaStore } from '../core/ports.js';
import type { Config } from '../core/schema/config.js';
import type { ChannelControl, ChannelEntry } from '../gateway/deps.js';
import { createDeliveryEngine, type DeliveryEngine } from '../sessions/delivery-engine.js';
import { createDeliveries, type Deliveries } from '../sessions/deliveries.js';
import { raise, resolve } from '../storage/notices.js';
import type { Db } from '../storage/sqlite.js';
import { type KeptWorker, keepWorker } from './keep-worker.js';
import { defaultOf } from './sending-accounts.js';
import { sharedOptions } from './workers.js';

export interface Channels extends ChannelControl {
  readonly deliveries: Deliveries;
  state(channel: string, account: string): ChannelState | undefined;
  /** While the account runs. */
  adapter(channel: string, account: string): ChannelAdapter | undefined;
  /** The engine is there: accounts that are switched on start. */
  open(engine: { readonly client: Client; readonly native: NativeConnection; readonly namespace: string }): Promise<void>;
  /** Makes what runs what the config says now. */
  apply(): Promise<void>;
  /** Nothing is received any more. What is being sent goes on. */
  stopIntake(): Promise<void>;
  close(): Promise<void>;
}

export interface ChannelsDeps {
  readonly db: Db;
  readonly media: MediaStore;
  readonly log: Logger;
  readonly env: NodeJS.ProcessEnv;
  readonly config: () => Config;
  /** Resolves once the message is durable. */
  readonly onInbound: (message: InboundMessage) => Promise<void>;
  /** For tests. */
  readonly kinds?: readonly ChannelKind[];
  readonly timings?: Partial<AdapterTimings>;
  readonly reloadMs?: number;
}

interface Account {
  readonly config: AccountConfig;
  /** Changes of this account, one after another. */
  doing: Promise<void>;
  adapter?: ChannelAdapter;
  worker?: KeptWorker;
  /** What is shown while no adapter is there. */
  status: ChannelStatus;
  /** Switched off by hand, until the next start of the gateway or a change of its config. */
  halted: boolean;
  again?: NodeJS.Timeout;
}

/** Code that could not be loaded, a worker that could not be made: tried again after this. */
const AGAIN_MS = 10_000;

const keyOf = ({ channel, account }: ChannelAccount): string => `${channel}:${account}`;
const same = (a: AccountConfig, b: AccountConfig): boolean => JSON.stringify([a.enabled, a.settings]) === JSON.stringify([b.enabled, b.settings]);

export function createChannels(deps: ChannelsDeps): Channels {
  const { db, log } = deps;
  const kinds = deps.kinds ?? CHANNELS;
  const accounts = new Map<string, Account>();
  const late = lateEngine();
  let engine: Parameters<Channels['open']>[0] | undefined;
  let receiving = true;
  let applying: Promise<void> = Promise.resolve();

  const deliveries = createDeliveries({ db, engine: late.engine, log });
  const shown = (account: Account): ChannelStatus => account.adapter?.status() ?? account.status;

  function entryOf(account: Account): ChannelEntry {
    const { settings, enabled, channel } = account.config;
    const policy = (name: string): string | undefined => (typeof settings[name] === 'string' ? settings[name] : undefined);
    return {
      status: shown(account), enabled, running: account.adapter !== undefined, isDefault: account.config.account === defaultAccount(channel),
      ...(policy('dmPolicy') === undefined ? {} : { dmPolicy: policy('dmPolicy')! }),
      ...(policy('groupPolicy') === undefined ? {} : { groupPolicy: policy('groupPolicy')! }),
    };
  }

  function defaultAccount(channel: string): string | undefined {
    return defaultOf(deps.config(), channel, [...accounts.values()].filter((account) => account.config.channel === channel).map((account) => account.config.account));
  }

  function sync(): Promise<void> {
    const work = async (): Promise<void> => {
      const wanted = new Map(kinds.flatMap((kind) => kind.accounts(deps.config(), deps.env)).map((config) => [keyOf(config), config]));
      const changes: Promise<void>[] = [];
      for (const [key, account] of accounts) {
        const config = wanted.get(key);
        if (config && same(config, account.config)) {
          changes.push(change(account, () => bring(account)));
          continue;
        }
        changes.push(change(account, () => halt(account)));
        accounts.delete(key);
      }
      for (const [key, config] of wanted) {
        if (accounts.has(key)) continue;
        // An account that changed is gone before it comes anew.
        const account: Account = { config, doing: Promise.all(changes).then(() => undefined), halted: false, status: idle(config) };
        accounts.set(key, account);
        changes.push(change(account, () => bring(account)));
      }
      await Promise.all(changes);
    };
    applying = applying.then(work).catch((error: unknown) => log.error({ error: messageOf(error) }, 'the config of channels could not be applied'));
    return applying;
  }

  /** One after another, and a failure of one is not the next one's. */
  function change(account: Account, work: () => Promise<void>): Promise<void> {
    account.doing = account.doing.then(work).catch((error: unknown) => {
      const { channel, account: name } = account.config;
      log.error({ channel, account: name, error: messageOf(error) }, 'the channel could not be started; tried again soon');
      account.status = { channel, account: name, state: 'failed', since: Date.now(), lastError: { code: 'CHANNEL_START', message: messageOf(error), hint: 'It is tried again by itself. See: openclaw channels logs', at: Date.now() } };
      account.again = setTimeout(() => void change(account, () => bring(account)), deps.reloadMs ?? AGAIN_MS);
    });
    return account.doing;
  }

  async function bring(account: Account): Promise<void> {
    const { config } = account;
    if (!engine || !receiving || !config.enabled || account.halted || account.adapter || accounts.get(keyOf(config)) !== account) return;
    const { channel, account: name } = config;
    account.status = { ...idle(config), state: 'starting' };
    const make = await kinds.find((kind) => kind.channel === channel)!.load();
    const adapter = make({ config, env: deps.env, media: deps.media, log, onInbound: deps.onInbound, onStatus: (status) => void tell(status), ...(deps.timings ? { timings: deps.timings } : {}) });
    const activities = createChannelActivities({ db, log, sender: adapter.sender, staleMs: () => deps.config().delivery.staleMinutes * 60_000 });
    const shared = sharedOptions(engine);
    account.worker = await keepWorker(() => Worker.create({ ...shared, taskQueue: channelQueue(channel, name), activities }), log);
    account.adapter = adapter;
    adapter.start();
  }

  async function halt(account: Account): Promise<void> {
    clearTimeout(account.again);
    const { adapter, worker } = account;
    await adapter?.stop();
    await worker?.stop();
    delete account.adapter;
    delete account.worker;
    account.status = idle(account.config);
    await resolve(db, noticeKey(account.config)).catch(() => false);
  }

  /** The owner hears of what only the owner can mend. */
  async function tell({ channel, account, state, lastError }: ChannelStatus): Promise<void> {
    try {
      if (state === 'connected') await resolve(db, noticeKey({ channel, account }));
      if (state !== 'failed') return;
      const text = `${channel} (${account}) does not receive: ${lastError?.message ?? 'it failed'}`;
      await raise(db, { key: noticeKey({ channel, account }), level: 'error', text, ...(lastError?.hint === undefined ? {} : { hint: lastError.hint }) }, log);
    } catch (error) {
      log.warn({ channel, account, error: messageOf(error) }, 'the state of a channel could not be noted');
    }
  }

  /** @throws CodedError INVALID_REQUEST */
  function named(channel: string, account?: string): readonly Account[] {
    const found = [...accounts.values()].filter(({ config }) => config.channel === channel && (account === undefined || config.account === account));
    if (found.length === 0) throw invalidRequest(`${channel}${account === undefined ? '' : ` (${account})`} is not configured; \`openclaw channels add ${channel}\` sets it up`, { code: 'UNKNOWN_CHANNEL', channel });
    return found;
  }

  async function switched(channel: string, name: string | undefined, halted: boolean): Promise<readonly ChannelEntry[]> {
    const found = named(channel, name);
    const off = found.find(({ config }) => !config.enabled);
    if (!halted && off) throw invalidRequest(`${channel} (${off.config.account}) is switched off in the config; \`openclaw channels enable ${channel}\` switches it on`, { code: 'CHANNEL_DISABLED', channel });
    await Promise.all(found.map((account) => {
      account.halted = halted;
      return change(account, () => (halted ? halt(account) : bring(account)));
    }));
    return found.map(entryOf);
  }

  // Shown from the first moment on; the engine starts them.
  void sync();
  return {
    deliveries,
    state: (channel, account) => {
      const found = accounts.get(keyOf({ channel, account }));
      return found && shown(found).state;
    },
    adapter: (channel, account) => accounts.get(keyOf({ channel, account }))?.adapter,
    list: () => [...accounts.values()].map(entryOf).toSorted((a, b) => keyOf(a.status).localeCompare(keyOf(b.status))),
    start: (channel, account) => switched(channel, account, false),
    stop: (channel, account) => switched(channel, account, true),
    async open(given) {
      engine = given;
      late.arrived(createDeliveryEngine(given.client));
      await sync();
    },
    apply: sync,
    async stopIntake() {
      receiving = false;
      await applying;
      await Promise.all([...accounts.values()].map((account) => (clearTimeout(account.again), account.doing.then(() => account.adapter?.stop()))));
    },
    async close() {
      receiving = false;
      await applying;
      await Promise.all([...accounts.values()].map((account) => change(account, () => halt(account))));
    },
  };
}

const idle = ({ channel, account }: ChannelAccount): ChannelStatus => ({ channel, account, state: 'stopped', since: Date.now() });
const noticeKey = ({ channel, account }: ChannelAccount): string => `channel-failed:${channel}:${account}`;

/** Before the engine is there every call fails, and the rows wait for the sweeper. */
function lateEngine(): { readonly engine: DeliveryEngine; arrived(engine: DeliveryEngine): void } {
  let current: DeliveryEngine | undefined;
  const now = async (): Promise<DeliveryEngine> => {
    if (!current) throw new Error('the engine is starting');
    return current;
  };
  return {
    engine: { wake: async (line, signal) => (await now()).wake(line, signal), isRunning: async (line) => (await now()).isRunning(line) },
    arrived(engine) {
      current = engine;
    },
  };
}

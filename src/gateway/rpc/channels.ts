/**
 * `channels.status|start|stop` in the peer's shapes, `channels.list` (ours): the messengers and how they are.
 * Invariant: no answer holds a token.
 */
import { validateChannelsStartParams, validateChannelsStatusParams, validateChannelsStopParams } from '@openclaw/gateway-protocol';
import { ChannelsListParams } from '../../core/schema/rpc.js';
import type { DeliveryCount } from '../../storage/deliveries.js';
import type { ChannelEntry, GatewayDeps } from '../deps.js';
import { validator } from '../validate.js';
import { method } from './method.js';

const LABELS: Readonly<Record<string, string>> = { telegram: 'Telegram', discord: 'Discord', slack: 'Slack', whatsapp: 'WhatsApp' };
const labelOf = (channel: string): string => LABELS[channel] ?? channel;

export const channelsStatus = method({
  name: 'channels.status',
  scope: 'operator.read',
  params: validateChannelsStatusParams,
  handler(params, { deps, now }) {
    const entries = deps.channels.list().filter(({ status }) => params.channel === undefined || status.channel === params.channel);
    const order = [...new Set(entries.map(({ status }) => status.channel))];
    const of = (channel: string): readonly ChannelEntry[] => entries.filter(({ status }) => status.channel === channel);
    return {
      ts: now(),
      channelOrder: order,
      channelLabels: Object.fromEntries(order.map((channel) => [channel, labelOf(channel)])),
      channels: Object.fromEntries(order.map((channel) => [channel, { configured: true, running: of(channel).some(({ running }) => running), connected: of(channel).some(isConnected) }])),
      channelAccounts: Object.fromEntries(order.map((channel) => [channel, of(channel).map(accountView)])),
      channelDefaultAccountId: Object.fromEntries(order.map((channel) => [channel, (of(channel).find(({ isDefault }) => isDefault) ?? of(channel)[0]!).status.account])),
    };
  },
});

export const channelsList = method({
  name: 'channels.list',
  scope: 'operator.read',
  params: validator(ChannelsListParams),
  async handler(_params, { deps, now }) {
    return { ts: now(), accounts: await channelViews(deps) };
  },
});

export const channelsStart = method({
  name: 'channels.start',
  scope: 'operator.admin',
  params: validateChannelsStartParams,
  async handler({ channel, accountId }, { deps }) {
    return { ok: true, channel, accounts: (await deps.channels.start(channel, accountId)).map(accountView) };
  },
});

export const channelsStop = method({
  name: 'channels.stop',
  scope: 'operator.admin',
  params: validateChannelsStopParams,
  async handler({ channel, accountId }, { deps }) {
    return { ok: true, channel, accounts: (await deps.channels.stop(channel, accountId)).map(accountView) };
  },
});

/** With what waits to be sent, also of accounts that are no longer configured. */
export async function channelViews({ channels, deliveries }: Pick<GatewayDeps, 'channels' | 'deliveries'>): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const counts = await deliveries.counts();
  const entries = channels.list();
  const gone = counts.filter(({ channel, account }) => !entries.some(({ status }) => status.channel === channel && status.account === account));
  const missing = [...new Map(gone.map(({ channel, account }) => [`${channel}:${account}`, { channel, account }])).values()];
  return [
    ...entries.map(({ status, enabled, running, isDefault }) => ({ ...status, enabled, running, isDefault, configured: true, unsent: unsentOf(counts, status) })),
    ...missing.map((at) => ({ ...at, configured: false, enabled: false, running: false, isDefault: false, state: 'stopped', unsent: unsentOf(counts, at) })),
  ];
}

const unsentOf = (counts: readonly DeliveryCount[], { channel, account }: { readonly channel: string; readonly account: string }) => {
  const of = (...states: readonly string[]): number => counts.filter((one) => one.channel === channel && one.account === account && states.includes(one.state)).reduce((sum, { count }) => sum + count, 0);
  return { waiting: of('queued', 'frozen'), held: of('held'), failed: of('failed') };
};

const isConnected = ({ status }: ChannelEntry): boolean => status.state === 'connected';

const accountView = (entry: ChannelEntry) => ({
  accountId: entry.status.account,
  ...(entry.status.self === undefined ? {} : { name: entry.status.self }),
  enabled: entry.enabled,
  configured: true,
  linked: entry.status.self !== undefined,
  running: entry.running,
  connected: isConnected(entry),
  healthState: entry.status.state,
  lastError: entry.status.lastError?.message ?? null,
  ...(entry.status.lastError?.hint === undefined ? {} : { lastErrorHint: entry.status.lastError.hint }),
  lastInboundAt: entry.status.lastInboundAt ?? null,
  lastOutboundAt: entry.status.lastOutboundAt ?? null,
  lastTransportActivityAt: entry.status.lastAliveAt ?? null,
  ...(entry.dmPolicy === undefined ? {} : { dmPolicy: entry.dmPolicy }),
  ...(entry.groupPolicy === undefined ? {} : { groupPolicy: entry.groupPolicy }),
});

export const channelMethods = [channelsStatus, channelsList, channelsStart, channelsStop];

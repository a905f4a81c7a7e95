/** What `doctor` says of messengers: connected or why not, and what could not be sent. */
import type { Check, ChannelEntry } from '../gateway/deps.js';
import type { Deliveries } from '../sessions/deliveries.js';

type Finding = Omit<Check, 'id' | 'title'>;

export function channelsCheck(entries: readonly ChannelEntry[]): Finding {
  const on = entries.filter(({ enabled }) => enabled);
  if (on.length === 0) return { status: 'skip', detail: entries.length === 0 ? 'no messenger is set up (openclaw channels add telegram)' : 'every messenger is switched off in the config' };
  const said = ({ status }: ChannelEntry): string => `${status.channel} (${status.account}) ${status.state}${status.state === 'connected' || !status.lastError ? '' : `: ${status.lastError.message}`}`;
  const detail = on.map(said).join('; ');
  const failed = on.find(({ status }) => status.state === 'failed');
  if (failed) return { status: 'fail', detail, remedy: failed.status.lastError?.hint ?? 'openclaw channels logs' };
  const away = on.find(({ status }) => status.state !== 'connected');
  return away ? { status: 'warn', detail, remedy: away.running ? 'It connects again by itself; see openclaw channels logs' : `openclaw gateway call channels.start --params '{"channel":"${away.status.channel}"}'` } : { status: 'ok', detail };
}

export async function deliveriesCheck(entries: readonly ChannelEntry[], deliveries: Deliveries): Promise<Finding> {
  const counts = await deliveries.counts();
  const sum = (...states: readonly string[]): number => counts.filter(({ state }) => states.includes(state)).reduce((all, { count }) => all + count, 0);
  const failed = sum('failed');
  const held = sum('held');
  const waiting = sum('queued', 'frozen');
  const orphan = counts.find(({ channel, account, state }) => (state === 'queued' || state === 'frozen') && !entries.some(({ status }) => status.channel === channel && status.account === account));
  const detail = failed + held + waiting === 0 ? 'everything is sent' : `${waiting} waiting, ${held} held, ${failed} not delivered`;
  if (orphan) return { status: 'warn', detail: `${detail}; ${orphan.count} wait for ${orphan.channel} (${orphan.account}), which is not configured`, remedy: `Set it up again, or put them away: openclaw delivery list` };
  return failed + held === 0 ? { status: 'ok', detail } : { status: 'warn', detail, remedy: 'openclaw delivery list; then openclaw delivery retry or discard' };
}

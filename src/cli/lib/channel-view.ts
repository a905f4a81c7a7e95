/** Messengers and what could not be sent, as tables and lines. */
import { ago, columns, oneLine, paint, printable, type Style } from './terminal.js';

/** Entry of `channels.list`, and of the status. */
export interface ChannelInfo {
  readonly channel: string;
  readonly account: string;
  readonly configured: boolean;
  readonly enabled: boolean;
  readonly running: boolean;
  readonly state: string;
  readonly since?: number;
  readonly self?: string;
  readonly lastError?: { readonly code: string; readonly message: string; readonly hint?: string; readonly at: number };
  readonly lastInboundAt?: number;
  readonly lastOutboundAt?: number;
  readonly lastAliveAt?: number;
  readonly unsent: { readonly waiting: number; readonly held: number; readonly failed: number };
}
export interface ChannelsAnswer {
  readonly accounts: readonly ChannelInfo[];
}

/** Entry of `delivery.list`. */
export interface DeliveryInfo {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly channel: string;
  readonly accountId: string;
  readonly to: string;
  readonly conversation?: { readonly title?: string };
  readonly queuedAt: number;
  readonly reason?: string;
  readonly parts: { readonly total: number; readonly sent: number; readonly repeated: number };
}

const NO_CHANNEL = 'No messenger is set up. Set one up: openclaw channels add telegram';

const STYLES: Readonly<Record<string, Style>> = { connected: 'green', starting: 'cyan', reconnecting: 'yellow', failed: 'red' };
const wordOf = ({ configured, enabled, state }: ChannelInfo): string => (!configured ? 'not configured' : !enabled ? 'switched off' : state);
const stateOf = (info: ChannelInfo): string => paint(STYLES[wordOf(info)] ?? 'dim', wordOf(info));

const unsentOf = ({ waiting, held, failed }: ChannelInfo['unsent']): string =>
  [waiting > 0 ? `${waiting} waiting` : '', held > 0 ? paint('yellow', `${held} held`) : '', failed > 0 ? paint('red', `${failed} not delivered`) : ''].filter((part) => part !== '').join(', ') || '-';

export function showChannels(accounts: readonly ChannelInfo[]): string {
  if (accounts.length === 0) return NO_CHANNEL;
  return columns([['CHANNEL', 'ACCOUNT', 'NAME', 'STATE', 'UNSENT', ''], ...accounts.map((info) => [info.channel, info.account, printable(info.self ?? '-'), stateOf(info), unsentOf(info.unsent), info.lastError && wordOf(info) !== 'connected' ? oneLine(info.lastError.message, 60) : ''])]);
}

/** Everything that is known of each. */
export function showChannelStatus(accounts: readonly ChannelInfo[]): string {
  if (accounts.length === 0) return NO_CHANNEL;
  return accounts.map((info) => {
    const facts: readonly (readonly [string, string | undefined])[] = [
      ['State', `${stateOf(info)}${info.since === undefined ? '' : `, since ${ago(info.since)}`}`],
      ['Name', info.self && printable(info.self)],
      ['Last error', info.lastError && `${oneLine(info.lastError.message, 200)} (${info.lastError.code}, ${ago(info.lastError.at)})`],
      ['', info.lastError?.hint && `→ ${info.lastError.hint}`],
      ['Last received', info.lastInboundAt === undefined ? undefined : ago(info.lastInboundAt)],
      ['Last sent', info.lastOutboundAt === undefined ? undefined : ago(info.lastOutboundAt)],
      ['Last heard of', info.lastAliveAt === undefined ? undefined : ago(info.lastAliveAt)],
      ['Unsent', unsentOf(info.unsent)],
    ];
    return `${info.channel} (${info.account})\n${columns(facts.flatMap(([name, value]) => (value ? [[`  ${paint('dim', name)}`, value]] : [])))}`;
  }).join('\n\n');
}

/** For `status`. */
export function channelsLine(accounts: readonly ChannelInfo[]): string {
  if (accounts.length === 0) return 'none (openclaw channels add telegram)';
  return accounts.map((info) => {
    const unsent = unsentOf(info.unsent);
    return `${info.channel} (${info.account}) ${stateOf(info)}${info.state === 'failed' && info.lastError ? `: ${oneLine(info.lastError.message, 60)}` : ''}${unsent === '-' ? '' : `, ${unsent}`}`;
  }).join('; ');
}

export function showDeliveries(deliveries: readonly DeliveryInfo[]): string {
  if (deliveries.length === 0) return 'Everything is sent.';
  const rows = deliveries.map((one) => [
    one.id,
    one.kind,
    paint(one.state === 'failed' ? 'red' : one.state === 'held' ? 'yellow' : 'dim', one.state),
    `${one.channel} (${one.accountId})`,
    oneLine(one.conversation?.title ?? one.to, 32),
    ago(one.queuedAt),
    one.parts.total === 0 ? '-' : `${one.parts.sent}/${one.parts.total}${one.parts.repeated > 0 ? ` (${one.parts.repeated} repeated)` : ''}`,
    oneLine(one.reason ?? '', 60),
  ]);
  return columns([['DELIVERY', 'KIND', 'STATE', 'CHANNEL', 'TO', 'QUEUED', 'SENT', ''], ...rows]);
}

/**
 * Shows people and strangers. Pure text.
 * Invariant: names come from anybody: what does not show in them is written out, and no line of theirs passes for ours.
 */
import { ago, columns, duration, oneLine, paint, visible } from './terminal.js';

/** Entry of `pairing.list`. */
export interface StrangerInfo {
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  readonly sender: string;
  readonly code: string;
  readonly expired?: boolean;
  readonly name?: string;
  readonly username?: string;
  readonly held: number;
  readonly requestedAt: number;
  readonly lastAt: number;
  readonly expiresAt: number;
}

export interface PairingList {
  readonly requests: readonly StrangerInfo[];
  readonly hasOwner?: boolean;
}

export interface IdentityInfo {
  readonly channel: string;
  readonly account: string;
  readonly sender: string;
  readonly state: string;
  readonly contact?: string;
  readonly home?: string;
  readonly name?: string;
  readonly username?: string;
  readonly approvedBy?: string;
}

export interface ContactInfo {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly blocked?: boolean;
  readonly createdAt?: number;
  readonly identities: readonly IdentityInfo[];
}

/** Answer of `pairing.approve|deny|block`. */
export interface PairingAnswer {
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  readonly sender: string;
  readonly state: string;
  readonly handed: number;
  readonly contact?: ContactInfo;
}

export interface ContactAnswer {
  readonly contact: ContactInfo;
}

const DEFAULT_ACCOUNT = 'default';
const flat = (text: string): string => visible(text).replaceAll('\n', '\\n');
const short = (text: string): string => oneLine(flat(text), 40);

export const who = ({ name, username, sender }: Pick<StrangerInfo, 'name' | 'username' | 'sender'>): string =>
  [...(name ? [short(name)] : []), ...(username ? [`@${short(username)}`] : []), ...(name || username ? [] : [short(sender)])].join(' ');

/** Where a command has to name the account. */
const accountFlag = (account: string): string => (account === DEFAULT_ACCOUNT ? '' : ` --account ${flat(account)}`);
const messages = (count: number): string => (count === 1 ? '1 message' : `${count} messages`);

export function showStrangers(requests: readonly StrangerInfo[], now = Date.now()): string {
  return requests
    .map((one) => {
      const { channel, account, sender, code, held, requestedAt, expiresAt } = one;
      const isLive = code !== '' && expiresAt > now;
      const state = code === '' ? 'is being told a code' : isLive ? `valid for ${duration(expiresAt - now)}` : 'expired; a new message brings a new code';
      const which = isLive ? flat(code) : `--sender ${flat(sender)}`;
      return [
        `${paint('yellow', code === '' ? '(no code yet)' : flat(code))}  ${who(one)}  ${flat(channel)} (${flat(account)}) ${flat(sender)}`,
        `  ${messages(held)} held, asked ${ago(requestedAt, now)}; the code: ${state}`,
        ...['approve', 'deny', 'block'].map((word) => `  openclaw pairing ${word} ${flat(channel)} ${which}${accountFlag(account)}`),
      ].join('\n');
    })
    .join('\n\n');
}

const DONE: Readonly<Record<string, string>> = { approved: 'Let in', denied: 'Denied', blocked: 'Blocked' };

export function showDecision({ state, handed, contact, channel, sender, account }: PairingAnswer): string {
  const whom = contact ? `${short(contact.name)}${contact.role === 'owner' ? ', the owner' : ''} (${flat(contact.id)})` : `${flat(channel)} ${flat(sender)}${accountFlag(account)}`;
  const then =
    state === 'approved' ? (handed === 0 ? '' : ` What was held (${messages(handed)}) is being answered.`)
    : state === 'denied' ? ' They are told nothing, and may ask again later.'
    : ' They are told nothing, now and later.';
  return `${DONE[state] ?? flat(state)}: ${whom}.${then}`;
}

export function showContacts(contacts: readonly ContactInfo[]): string {
  return columns([
    ['ID', 'NAME', 'ROLE', 'IDENTITIES'],
    ...contacts.map(({ id, name, role, blocked, identities }) => [flat(id), short(name), blocked ? 'blocked' : flat(role), identities.length === 0 ? '-' : identities.map(identityLine).join(', ')]),
  ]);
}

const named = ({ channel, account, sender }: IdentityInfo): string => (account === DEFAULT_ACCOUNT ? `${flat(channel)}:${flat(sender)}` : `${flat(channel)}:${flat(account)}:${flat(sender)}`);
const identityLine = (identity: IdentityInfo): string => `${named(identity)}${identity.state === 'approved' ? '' : ` (${identity.state === 'known' ? 'not approved' : flat(identity.state)})`}`;

const STATES: Readonly<Record<string, string>> = { approved: 'approved', known: 'not approved for direct messages', blocked: 'blocked' };
const LISTS: readonly string[] = ['allowFrom', 'ownerAllowFrom'];

export function showContact({ id, name, role, blocked, createdAt, identities }: ContactInfo): string {
  const head = `${paint('yellow', flat(id))}  ${short(name)}  ${blocked ? paint('red', 'blocked') : flat(role)}${createdAt === undefined ? '' : `, known since ${ago(createdAt)}`}`;
  const lines = identities.map((identity) => {
    const by = identity.approvedBy === undefined || identity.state !== 'approved' ? '' : LISTS.includes(identity.approvedBy) ? ` by ${identity.approvedBy} of the config` : ` by ${flat(identity.approvedBy)}`;
    const linked = identity.home !== undefined && identity.home !== id ? `; linked, before: ${flat(identity.home)}` : '';
    return `  ${named(identity)}  ${identity.name || identity.username ? `${who(identity)}  ` : ''}${STATES[identity.state] ?? flat(identity.state)}${by}${linked}`;
  });
  return [head, ...(lines.length === 0 ? ['  no identities'] : lines)].join('\n');
}

/** One line for `status`. */
export function strangersLine({ waiting, held, oldestAtMs }: { readonly waiting: number; readonly held?: number; readonly oldestAtMs?: number }): string {
  const oldest = oldestAtMs === undefined ? '' : `${waiting === 1 ? ', asked' : ', the first asked'} ${ago(oldestAtMs)}`;
  return paint('yellow', `${waiting === 1 ? '1 waits' : `${waiting} wait`} to be let in, ${messages(held ?? 0)} held${oldest} (openclaw pairing list)`);
}

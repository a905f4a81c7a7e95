/**
 * From what people, clients and the model call a recipient to an address. Reads only.
 * Invariant: `known` is a person the owner let in, or a conversation the agent already speaks in; everything else is said
 * to be unknown, and whoever asks decides what that means.
 */
import type { Address, ChannelAccount } from '../core/channel.js';
import type { Contact, Identity } from '../core/contact.js';
import { CodedError, invalidRequest } from '../core/errors.js';
import type { Conversation } from '../core/message.js';
import { identitiesOf, identityOf, listContacts, type ContactWithIdentities } from './contacts.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';

export interface TargetRequest {
  /** A contact's id or name, `owner`, a platform's id, `<channel>:<id>`, `<channel>:group:<id>`. */
  readonly to: string;
  readonly channel?: string;
  readonly account?: string;
  readonly thread?: string;
}

export interface SendingAccount extends ChannelAccount {
  /** It sends when none is named. */
  readonly isDefault: boolean;
}

export interface Target {
  readonly address: Address;
  readonly known: boolean;
  /** For people: a name where there is one. */
  readonly label: string;
}

/** @throws CodedError INVALID_REQUEST with what would be understood */
export async function resolveTarget(db: Db | Tx, asked: TargetRequest, accounts: readonly SendingAccount[]): Promise<Target> {
  if (accounts.length === 0) throw new CodedError('INVALID_REQUEST', 'no messenger is set up and switched on', 'See them: openclaw channels list. Set one up: openclaw channels add telegram', { code: 'NO_CHANNEL' });
  if (asked.channel !== undefined) accountsOf(asked, accounts);
  const person = await personOf(db, asked.to);
  if (person) return ofPerson(db, person, asked, accounts);

  const { channel: prefix, id, group } = split(asked.to, accounts);
  const channel = asked.channel ?? prefix ?? onlyChannel(accounts);
  if (channel === undefined) throw invalidRequest(`"${asked.to}" is no contact; say on which channel it is (${channelNames(accounts)})`, { code: 'CHANNEL_REQUIRED' });
  const usable = accountsOf({ ...asked, channel }, accounts);
  const account = asked.account ?? (usable.find(({ isDefault }) => isDefault) ?? usable[0]!).account;
  const at = { channel, account };
  const identity = group ? undefined : await identityOf(db, { ...at, sender: id });
  if (identity?.direct) return { address: address(at, identity.direct, asked.thread), known: identity.state === 'approved', label: labelOf(identity) };
  const spoken = await spokenIn(db, at, id);
  if (spoken) return { address: address(at, spoken, asked.thread), known: true, label: spoken.title ?? id };
  const conversation: Conversation = { kind: group || id.startsWith('-') ? 'group' : 'direct', id };
  return { address: address(at, conversation, asked.thread), known: false, label: id };
}

/** `telegram:group:-100`, `group:-100`, `telegram:42`, `42`. A platform's id may hold colons itself. */
function split(to: string, accounts: readonly SendingAccount[]): { readonly channel?: string; readonly id: string; readonly group: boolean } {
  const text = to.trim();
  const channel = accounts.find((one) => text.startsWith(`${one.channel}:`))?.channel;
  const rest = channel === undefined ? text : text.slice(channel.length + 1);
  const group = rest.startsWith('group:');
  const id = group ? rest.slice('group:'.length) : rest;
  if (id === '') throw invalidRequest('to whom? Give a contact, or a platform id');
  return { id, group, ...(channel === undefined ? {} : { channel }) };
}

/** @throws CodedError INVALID_REQUEST when none is configured */
function accountsOf({ channel, account }: Pick<TargetRequest, 'channel' | 'account'>, accounts: readonly SendingAccount[]): readonly SendingAccount[] {
  const found = accounts.filter((one) => one.channel === channel && (account === undefined || one.account === account));
  if (found.length === 0) throw invalidRequest(`${channel}${account === undefined ? '' : ` (${account})`} is not configured; there is ${accounts.map((one) => `${one.channel} (${one.account})`).join(', ')}`, { code: 'UNKNOWN_CHANNEL' });
  return found;
}

const channelNames = (accounts: readonly SendingAccount[]): string => [...new Set(accounts.map(({ channel }) => channel))].join(', ');
const onlyChannel = (accounts: readonly SendingAccount[]): string | undefined => (new Set(accounts.map(({ channel }) => channel)).size === 1 ? accounts[0]!.channel : undefined);

/** @throws CodedError INVALID_REQUEST when the name is that of several */
async function personOf(db: Db | Tx, to: string): Promise<ContactWithIdentities | undefined> {
  const text = to.trim().toLowerCase();
  const contacts = await listContacts(db);
  const byId = contacts.find(({ id }) => id === to.trim());
  if (byId) return byId;
  if (text === 'owner') return contacts.find(({ role }) => role === 'owner');
  const named = contacts.filter(({ name }) => name.toLowerCase() === text);
  if (named.length > 1) throw invalidRequest(`several people are called ${to}: ${named.map(({ id }) => id).join(', ')}; give the id`, { code: 'AMBIGUOUS' });
  return named[0];
}

async function ofPerson(db: Db | Tx, person: Contact, asked: TargetRequest, accounts: readonly SendingAccount[]): Promise<Target> {
  if (person.blocked) throw invalidRequest(`${person.name} is blocked`, { code: 'BLOCKED' });
  const reachable = (await identitiesOf(db, person.id)).filter(
    ({ channel, account, direct, state }) =>
      direct && state !== 'blocked' && (asked.channel ?? channel) === channel && (asked.account ?? account) === account && accounts.some((one) => one.channel === channel && one.account === account),
  );
  const last = await lastRoute(db, person);
  const isLast = ({ channel, account, direct }: Identity): boolean => last !== undefined && last.channel === channel && last.account === account && last.conversation.id === direct?.id;
  const identity = reachable.find(isLast) ?? reachable.toSorted((a, b) => Number(b.state === 'approved') - Number(a.state === 'approved'))[0];
  if (!identity?.direct) throw invalidRequest(`${person.name} cannot be reached${asked.channel === undefined ? '' : ` on ${asked.channel}`}: they have not written to the agent there`, { code: 'UNREACHABLE' });
  return { address: address(identity, identity.direct, asked.thread), known: identity.state === 'approved', label: person.name };
}

/** Where they were heard last. */
async function lastRoute(db: Db | Tx, person: Contact): Promise<Address | undefined> {
  const session = person.role === 'owner' ? 'agent:main:main' : `agent:main:direct:${person.id}`;
  const row = await db.selectFrom('routes').select('address').where('session', '=', session).executeTakeFirst();
  return row && (JSON.parse(row.address) as Address);
}

/** The conversation of that id, if somebody was heard or answered there. */
async function spokenIn(db: Db | Tx, { channel, account }: ChannelAccount, id: string): Promise<Conversation | undefined> {
  const answered = await db.selectFrom('deliveries').select('address').where('channel', '=', channel).where('account', '=', account).where('line', '=', id).where('kind', '=', 'reply').orderBy('position', 'desc').limit(1).executeTakeFirst();
  const heard = answered ? [] : await db.selectFrom('routes').select('address').execute();
  const addresses = [...(answered ? [answered] : []), ...heard].map((row) => JSON.parse(row.address) as Address);
  const found = addresses.find((to) => to.channel === channel && to.account === account && (to.conversation.parentId ?? to.conversation.id) === id)?.conversation;
  // Of a thread it is the conversation around it that was asked for.
  return found?.parentId === undefined ? found : { kind: 'group', id, ...(found.title === undefined ? {} : { title: found.title }) };
}

function address({ channel, account }: ChannelAccount, conversation: Conversation, thread: string | undefined): Address {
  if (thread === undefined) return { channel, account, conversation };
  return { channel, account, conversation: { kind: 'thread', id: thread, parentId: conversation.id, ...(conversation.title === undefined ? {} : { title: conversation.title }) }, thread };
}

const labelOf = ({ name, username, sender }: Identity): string => name ?? username ?? sender;

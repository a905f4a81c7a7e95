/**
 * Held messages: `inbound` rows of strangers, that no session sees. Only pairing moves a row into and out of `held`.
 * Invariants: whether a message is held and whether its sender is approved are decided against each other in one
 * transaction, so nothing is held behind an open door; held rows keep their order, also within a millisecond.
 */
import { type IdentityKey, isPaired, strangerPrincipal } from '../core/contact.js';
import type { InboundMessage } from '../core/message.js';
import { HELD_PER_SENDER } from '../core/pairing.js';
import type { QueueMode, Role } from '../core/queue.js';
import { identityOf } from './contacts.js';
import type { Tx } from './fence.js';
import { type Inbound, decode, endInbound, inboundById, insertInbound } from './inbound.js';
import { type PairingLimits, askingOf, reservePlace } from './pairing.js';
import type { Db } from './sqlite.js';

/** No session has such a key. */
const heldSession = ({ channel, account }: IdentityKey): string => `pairing:${channel}:${account}`;

export interface HeldMessage {
  /** As the door would make them. */
  readonly id: string;
  readonly messageKey: string;
  readonly payloadHash: string;
  readonly message: InboundMessage;
}

export type HoldResult =
  | { readonly status: 'held' }
  /** It is in the store already: its row says what became of it. */
  | { readonly status: 'known' }
  /** Its sender was approved meanwhile: it goes through the door. */
  | { readonly status: 'approved' }
  | { readonly status: 'dropped'; readonly reason: string };

/** Holds a stranger's message, or says why not. */
export async function holdMessage(tx: Tx, held: HeldMessage, limits: PairingLimits): Promise<HoldResult> {
  const { message } = held;
  const key: IdentityKey = { channel: message.channel, account: message.account, sender: message.sender.id };
  const known = await inboundById(tx, held.id);
  if (known) return { status: known.state === 'held' ? 'held' : 'known' };
  const identity = await identityOf(tx, key);
  if (identity && isPaired(identity)) return { status: 'approved' };

  const before = await heldRows(tx, key);
  const reason = await refusal(tx, key, message, before.length, limits);
  await insertInbound(tx, {
    id: held.id, message_key: held.messageKey, run: held.id, run_id: held.id, session: heldSession(key), principal: strangerPrincipal(key), role: 'guest', rights: '',
    channel: message.channel, mode: 'followup', priority: 3, state: 'held', payload_hash: held.payloadHash, request: '{}',
    // What is not kept must not fill the store: anybody can send it.
    message: JSON.stringify(reason === undefined ? message : { ...message, text: '', mdast: undefined, mentions: [], replyTo: undefined, attachments: [] }),
    // Their order is that of their times.
    accepted_at: Math.max(Date.now(), ...before.map(({ at }) => at + 1)),
  });
  if (reason === undefined) return { status: 'held' };
  await endInbound(tx, held.id, { state: 'dropped', reason });
  return { status: 'dropped', reason };
}

async function refusal(tx: Tx, key: IdentityKey, message: InboundMessage, waiting: number, limits: PairingLimits): Promise<string | undefined> {
  if (waiting >= HELD_PER_SENDER) return `more than ${HELD_PER_SENDER} messages wait for pairing`;
  const asking = await askingOf(tx, key, limits);
  if (asking === 'denied' || asking === 'blocked') return `pairing was ${asking}`;
  if (asking === 'asks' || (await reservePlace(tx, key, message, limits))) return undefined;
  // Whoever had a place keeps what is held; a new code comes with the first message for which there is a place.
  return waiting > 0 ? undefined : 'too many strangers wait for pairing';
}

/** Oldest first. */
export async function heldRows(db: Db | Tx, key: IdentityKey): Promise<Inbound[]> {
  const rows = await db.selectFrom('inbound').selectAll().where('principal', '=', strangerPrincipal(key)).where('state', '=', 'held').orderBy('accepted_at').orderBy('id').execute();
  return rows.map(decode);
}

export async function countHeld(db: Db | Tx, key: IdentityKey): Promise<{ readonly count: number; readonly lastAt?: number }> {
  const row = await db.selectFrom('inbound').select((e) => [e.fn.countAll().as('count'), e.fn.max('accepted_at').as('last')]).where('principal', '=', strangerPrincipal(key)).where('state', '=', 'held').executeTakeFirstOrThrow();
  return { count: Number(row.count), ...(row.last === null ? {} : { lastAt: Number(row.last) }) };
}

/** @returns how many there were */
export async function dropHeld(tx: Tx, key: IdentityKey, reason: string): Promise<number> {
  const rows = await heldRows(tx, key);
  for (const row of rows) await endInbound(tx, row.inboundId, { state: 'dropped', reason });
  return rows.length;
}

export interface Released {
  readonly session: string;
  readonly principal: string;
  readonly role: Role;
  /** Id of a rights set. */
  readonly rights: string;
  readonly run: string;
  readonly mode: QueueMode;
  /** JSON. */
  readonly rules: string;
  readonly priority: number;
}

/** `held → accepted`, as the door accepts. @returns false when it is not held any more */
export async function releaseHeld(tx: Tx, id: string, as: Released): Promise<boolean> {
  const { numUpdatedRows } = await tx.updateTable('inbound').set({ ...as, state: 'accepted' }).where('id', '=', id).where('state', '=', 'held').executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Rows that were released and whose signal may be lost, oldest first: those of a person's that are accepted. */
export async function unsignalled(db: Db | Tx, key: IdentityKey, principal: string): Promise<Inbound[]> {
  const rows = await db.selectFrom('inbound').selectAll().where('principal', '=', principal).where('channel', '=', key.channel).where('state', '=', 'accepted').orderBy('accepted_at').orderBy('id').execute();
  return rows.map(decode).filter(({ message }) => message.account === key.account && message.sender.id === key.sender);
}

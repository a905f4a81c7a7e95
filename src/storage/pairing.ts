/**
 * Strangers who wait for the owner: one row a sender, its code, what was decided.
 * Invariants: at most so many of an account have a live code at once, counted in the transaction that gives the place;
 * the first decision wins.
 */
import { createHash } from 'node:crypto';
import { type IdentityKey, type PairingState, identityText, strangerPrincipal } from '../core/contact.js';
import { DECIDED_STATE, type PairingDecision } from '../core/pairing.js';
import type { Conversation, InboundMessage } from '../core/message.js';
import { shortId } from '../core/short-id.js';
import type { Selectable } from 'kysely';
import type { SeenSender } from './contacts.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';
import type { PairingTable } from './channel-tables.js';

export interface PairingLimits {
  /** How long a code lives. */
  readonly ttlMs: number;
  /** Strangers of one account with a live code. */
  readonly maxPending: number;
}

export interface Pairing extends IdentityKey {
  /** Empty until it is made. */
  readonly code: string;
  readonly state: PairingState;
  readonly name?: string;
  readonly username?: string;
  readonly conversation: Conversation;
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly decidedAt?: number;
  readonly decidedBy?: string;
  readonly contact?: string;
  readonly settledAt?: number;
}

/** Decided, settled and expired ones are remembered for this long. */
const KEPT_MS = 30 * 24 * 3_600_000;

/** What lists and the peer's methods call a request by. */
export const pairingId = (key: IdentityKey): string => shortId('pr', createHash('sha256').update(identityText(key)).digest());

/** The sender of a request, as their latest message showed them. */
export const seenOfPairing = ({ sender, name, username, conversation }: Pairing): SeenSender => ({
  sender: { id: sender, ...(name === undefined ? {} : { name }), ...(username === undefined ? {} : { username }) },
  ...(conversation.kind === 'direct' ? { direct: conversation } : {}),
});

export async function pairingOf(db: Db | Tx, key: IdentityKey): Promise<Pairing | undefined> {
  const row = await db.selectFrom('pairing').selectAll().where((e) => e.and(key3(key))).executeTakeFirst();
  return row && decode(row);
}

const key3 = ({ channel, account, sender }: IdentityKey) => ({ channel, account, sender });

/** `asks`: has a place, or is being handed over. `new`: needs a place. A denial holds for as long as a code lives. */
export async function askingOf(tx: Tx, key: IdentityKey, { ttlMs }: PairingLimits): Promise<'asks' | 'new' | 'denied' | 'blocked'> {
  const row = await pairingOf(tx, key);
  if (!row) return 'new';
  switch (row.state) {
    case 'open':
      return row.expiresAt > Date.now() ? 'asks' : 'new';
    case 'approved':
      // What was settled and is not approved any more was taken back.
      return row.settledAt === undefined ? 'asks' : 'new';
    case 'denied':
      return (row.decidedAt ?? 0) + ttlMs > Date.now() ? 'denied' : 'new';
    case 'blocked':
      return 'blocked';
  }
}

/** Takes a place among those who wait; its code is made later. @returns false when there is none */
export async function reservePlace(tx: Tx, key: IdentityKey, message: InboundMessage, { ttlMs, maxPending }: PairingLimits): Promise<boolean> {
  const now = Date.now();
  const { count } = await tx
    .selectFrom('pairing')
    .select((e) => e.fn.countAll().as('count'))
    .where('channel', '=', key.channel)
    .where('account', '=', key.account)
    .where('state', '=', 'open')
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  if (Number(count) >= maxPending) return false;
  const values = {
    code: '', state: 'open' as const, name: message.sender.name?.slice(0, NAME_MAX) ?? null, username: message.sender.username?.slice(0, NAME_MAX) ?? null, conversation: JSON.stringify(message.conversation),
    requested_at: now, expires_at: now + ttlMs, decided_at: null, decided_by: null, contact: null, settled_at: null,
  };
  await tx.insertInto('pairing').values({ ...key3(key), ...values }).onConflict((c) => c.columns(['channel', 'account', 'sender']).doUpdateSet(values)).execute();
  return true;
}
const NAME_MAX = 200;

/** Gives an open request its code, from now on. @returns false when another one of the account has it */
export async function giveCode(tx: Tx, key: IdentityKey, code: string, ttlMs: number): Promise<boolean> {
  const now = Date.now();
  const taken = await tx.selectFrom('pairing').select('sender').where('channel', '=', key.channel).where('account', '=', key.account).where('code', '=', code).where('state', '=', 'open').where('expires_at', '>', now).executeTakeFirst();
  if (taken) return false;
  await tx.updateTable('pairing').set({ code, requested_at: now, expires_at: now + ttlMs }).where((e) => e.and(key3(key))).where('state', '=', 'open').execute();
  return true;
}

/** The first word wins; one that is being carried out, or is a block, stands. @returns the row as it is then */
export async function decidePairing(tx: Tx, key: IdentityKey, decision: PairingDecision, by: string, contact?: string): Promise<Pairing | undefined> {
  await tx
    .updateTable('pairing')
    .set({ state: DECIDED_STATE[decision], decided_at: Date.now(), decided_by: by, contact: contact ?? null, settled_at: null })
    .where((e) => e.and(key3(key)))
    .where('state', '=', 'open')
    .execute();
  return pairingOf(tx, key);
}

/** The decision is carried out. */
export async function settlePairing(tx: Tx, key: IdentityKey): Promise<void> {
  await tx.updateTable('pairing').set({ settled_at: Date.now() }).where((e) => e.and(key3(key))).where('state', '!=', 'open').where('settled_at', 'is', null).execute();
}

/** Open ones of a channel, expired ones too, newest first. */
export async function openPairing(db: Db | Tx, of: { readonly channel?: string; readonly account?: string } = {}): Promise<Pairing[]> {
  let rows = db.selectFrom('pairing').selectAll().where('state', '=', 'open');
  if (of.channel !== undefined) rows = rows.where('channel', '=', of.channel);
  if (of.account !== undefined) rows = rows.where('account', '=', of.account);
  return (await rows.orderBy('requested_at', 'desc').orderBy('channel').orderBy('account').orderBy('sender').execute()).map(decode);
}

/** Whose workflow has something to do and may not know it: no code yet, or a decision that is not carried out. */
export async function unfinishedPairing(db: Db, before: number): Promise<IdentityKey[]> {
  return db
    .selectFrom('pairing')
    .select(['channel', 'account', 'sender'])
    .where((e) => e.or([e.and([e('state', '=', 'open'), e('code', '=', ''), e('requested_at', '<', before)]), e.and([e('state', '!=', 'open'), e('settled_at', 'is', null), e('decided_at', '<', before)])]))
    .orderBy('requested_at')
    .execute();
}

/** Forgets what is long over and holds nothing. A block is remembered by its identity. @returns how many */
export async function prunePairing(db: Db, now = Date.now()): Promise<number> {
  const before = now - KEPT_MS;
  return db.transaction().execute(async (tx) => {
    const old = await tx.selectFrom('pairing').select(['channel', 'account', 'sender']).where((e) => e.or([e.and([e('state', '=', 'open'), e('expires_at', '<', before)]), e('settled_at', '<', before)])).execute();
    let pruned = 0;
    // Messages of strangers that were not kept: their keys have done their work.
    await tx.deleteFrom('inbound').where('session', 'like', 'pairing:%').where('state', '=', 'dropped').where('ended_at', '<', before).execute();
    for (const key of old) {
      const held = await tx.selectFrom('inbound').select('id').where('principal', '=', strangerPrincipal(key)).where('state', '=', 'held').limit(1).executeTakeFirst();
      if (held) continue;
      await tx.deleteFrom('pairing').where((e) => e.and(key3(key))).execute();
      pruned += 1;
    }
    return pruned;
  });
}

/** A person who was unblocked may ask again. */
export async function forgetPairing(tx: Tx, key: IdentityKey): Promise<void> {
  await tx.deleteFrom('pairing').where((e) => e.and(key3(key))).where('state', '!=', 'open').execute();
}

const decode = (row: Selectable<PairingTable>): Pairing => ({
  channel: row.channel, account: row.account, sender: row.sender, code: row.code, state: row.state,
  conversation: JSON.parse(row.conversation) as Conversation, requestedAt: Number(row.requested_at), expiresAt: Number(row.expires_at),
  ...(row.name === null ? {} : { name: row.name }),
  ...(row.username === null ? {} : { username: row.username }),
  ...(row.decided_at === null ? {} : { decidedAt: Number(row.decided_at) }),
  ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
  ...(row.contact === null ? {} : { contact: row.contact }),
  ...(row.settled_at === null ? {} : { settledAt: Number(row.settled_at) }),
});

/**
 * People and their identities. Invariants: an identity is one person's; linking and unlinking move it and change nothing
 * of what it may do. Aliases of their sessions: `aliases.ts`.
 */
import { randomBytes } from 'node:crypto';
import type { Contact, Identity, IdentityKey, IdentityState } from '../core/contact.js';
import type { Conversation, Sender } from '../core/message.js';
import type { Role } from '../core/queue.js';
import { shortId } from '../core/short-id.js';
import type { Selectable } from 'kysely';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';
import type { ContactsTable, IdentitiesTable } from './channel-tables.js';

const newContactId = (): string => shortId('c', randomBytes(8));

export async function contactById(db: Db | Tx, id: string): Promise<Contact | undefined> {
  const row = await db.selectFrom('contacts').selectAll().where('id', '=', id).executeTakeFirst();
  return row && decodeContact(row);
}

/** @param contact.id one of the config's; made here when it is absent. A known id keeps what it is. */
export async function putContact(tx: Tx, contact: { readonly id?: string; readonly name: string; readonly role?: Role; readonly blocked?: boolean }): Promise<Contact> {
  const now = Date.now();
  const id = contact.id ?? newContactId();
  await tx
    .insertInto('contacts')
    .values({ id, name: contact.name, role: contact.role ?? 'guest', blocked: contact.blocked === true ? 1 : 0, created_at: now, updated_at: now })
    .onConflict((c) => c.column('id').doNothing())
    .execute();
  return (await contactById(tx, id))!;
}

/** @returns whether there is such a contact */
export async function changeContact(tx: Tx, id: string, change: { readonly name?: string; readonly role?: Role; readonly blocked?: boolean }): Promise<boolean> {
  const { blocked, ...rest } = change;
  const { numUpdatedRows } = await tx.updateTable('contacts').set({ ...rest, ...(blocked === undefined ? {} : { blocked: blocked ? 1 : 0 }), updated_at: Date.now() }).where('id', '=', id).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** The person who was the owner first. */
export async function ownerContact(db: Db | Tx): Promise<Contact | undefined> {
  const row = await db.selectFrom('contacts').selectAll().where('role', '=', 'owner').orderBy('created_at').orderBy('id').executeTakeFirst();
  return row && decodeContact(row);
}

/** Can an owner be heard on any platform? */
export async function hasOwnerIdentity(db: Db | Tx): Promise<boolean> {
  const row = await db
    .selectFrom('identities')
    .innerJoin('contacts', 'contacts.id', 'identities.contact')
    .select('identities.sender')
    .where('contacts.role', '=', 'owner')
    .where('identities.state', '=', 'approved')
    .executeTakeFirst();
  return row !== undefined;
}

export async function identityOf(db: Db | Tx, key: IdentityKey): Promise<Identity | undefined> {
  const row = await of(db, key).executeTakeFirst();
  return row && decodeIdentity(row);
}

export async function identitiesOf(db: Db | Tx, contact: string): Promise<Identity[]> {
  return (await db.selectFrom('identities').selectAll().where('contact', '=', contact).orderBy('created_at').orderBy('channel').orderBy('account').orderBy('sender').execute()).map(decodeIdentity);
}

/** Identities of a sender id, whatever the account; by platform when one is named. */
export async function identitiesNamed(db: Db | Tx, sender: string, channel?: string): Promise<Identity[]> {
  let rows = db.selectFrom('identities').selectAll().where('sender', '=', sender);
  if (channel !== undefined) rows = rows.where('channel', '=', channel);
  return (await rows.orderBy('channel').orderBy('account').execute()).map(decodeIdentity);
}

export interface SeenSender {
  readonly sender: Sender;
  /** Only a direct conversation is theirs. */
  readonly direct?: Conversation;
}

/** Writes a new identity. One that is known keeps its person, its state and who approved it. */
export async function putIdentity(tx: Tx, key: IdentityKey, seen: SeenSender, as: { readonly contact: string; readonly state: IdentityState; readonly approvedBy?: string }): Promise<Identity> {
  const now = Date.now();
  await tx
    .insertInto('identities')
    .values({
      channel: key.channel, account: key.account, sender: key.sender, contact: as.contact, home: as.contact, state: as.state,
      ...facts(seen), direct: seen.direct ? JSON.stringify(seen.direct) : null, approved_by: as.approvedBy ?? null, created_at: now, updated_at: now,
    })
    .onConflict((c) => c.columns(['channel', 'account', 'sender']).doNothing())
    .execute();
  return (await identityOf(tx, key))!;
}

export async function changeIdentity(tx: Tx, key: IdentityKey, change: { readonly contact?: string; readonly state?: IdentityState; readonly approvedBy?: string | null }): Promise<void> {
  const { approvedBy, ...rest } = change;
  await tx
    .updateTable('identities')
    .set({ ...rest, ...(approvedBy === undefined ? {} : { approved_by: approvedBy }), updated_at: Date.now() })
    .where('channel', '=', key.channel)
    .where('account', '=', key.account)
    .where('sender', '=', key.sender)
    .execute();
}

/** Names change on their platforms. Writes nothing when nothing did. */
export async function noteSeen(db: Db | Tx, known: Identity, seen: SeenSender): Promise<void> {
  const direct = seen.direct && JSON.stringify(seen.direct);
  const { name, username } = facts(seen);
  const isNew = name !== (known.name ?? null) || username !== (known.username ?? null) || (direct !== undefined && direct !== (known.direct && JSON.stringify(known.direct)));
  if (!isNew) return;
  await db
    .updateTable('identities')
    .set({ name, username, ...(direct === undefined ? {} : { direct }), updated_at: Date.now() })
    .where('channel', '=', known.channel)
    .where('account', '=', known.account)
    .where('sender', '=', known.sender)
    .execute();
}

export interface ContactWithIdentities extends Contact {
  readonly identities: readonly Identity[];
}

/** Owners first, then by name. */
export async function listContacts(db: Db | Tx): Promise<ContactWithIdentities[]> {
  const contacts = await db.selectFrom('contacts').selectAll().orderBy('role', 'desc').orderBy('name').orderBy('id').execute();
  const identities = Map.groupBy((await db.selectFrom('identities').selectAll().orderBy('created_at').orderBy('channel').orderBy('account').orderBy('sender').execute()).map(decodeIdentity), ({ contact }) => contact);
  return contacts.map((row) => ({ ...decodeContact(row), identities: identities.get(row.id) ?? [] }));
}

const of = (db: Db | Tx, { channel, account, sender }: IdentityKey) => db.selectFrom('identities').selectAll().where('channel', '=', channel).where('account', '=', account).where('sender', '=', sender);

/** A name on a platform can be anything; nobody reads more than this of it. */
const NAME_MAX = 200;
const facts = ({ sender }: SeenSender): { readonly name: string | null; readonly username: string | null } => ({ name: sender.name?.slice(0, NAME_MAX) ?? null, username: sender.username?.slice(0, NAME_MAX) ?? null });

/** What somebody is called until the owner says otherwise. */
export const displayName = (sender: Sender): string => ((sender.name?.trim() || sender.username?.trim()) ?? sender.id).slice(0, NAME_MAX) || sender.id;

const decodeContact = (row: Selectable<ContactsTable>): Contact => ({ id: row.id, name: row.name, role: row.role, blocked: Number(row.blocked) !== 0, createdAt: Number(row.created_at) });

const decodeIdentity = (row: Selectable<IdentitiesTable>): Identity => ({
  channel: row.channel, account: row.account, sender: row.sender, contact: row.contact, home: row.home, state: row.state, createdAt: Number(row.created_at),
  ...(row.name === null ? {} : { name: row.name }),
  ...(row.username === null ? {} : { username: row.username }),
  ...(row.direct === null ? {} : { direct: JSON.parse(row.direct) as Conversation }),
  ...(row.approved_by === null ? {} : { approvedBy: row.approved_by }),
});

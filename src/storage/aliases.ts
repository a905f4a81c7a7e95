/**
 * Aliases: sessions of people who were linked to somebody else. `draining`: messages still go to the old session; `active`:
 * to the primary one, whose model is told once where the old conversation is.
 * Invariant: nothing running is renamed or merged: an alias becomes active in the transaction that finds its session quiet.
 */
import type { Selectable } from 'kysely';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';
import type { AliasesTable } from './channel-tables.js';

export interface Alias {
  readonly session: string;
  readonly primary: string;
  readonly contact: string;
  readonly state: 'draining' | 'active';
  readonly createdAt: number;
  readonly flippedAt?: number;
}

/** A session that never was has nothing to drain and gets no alias. @returns whether it got one */
export async function putAlias(tx: Tx, alias: Pick<Alias, 'session' | 'primary' | 'contact'>): Promise<boolean> {
  if (alias.session === alias.primary) return false;
  const known = await tx.selectFrom('sessions').select('key').where('key', '=', alias.session).where('deleted_at', 'is', null).executeTakeFirst();
  if (!known) return false;
  const values = { primary_session: alias.primary, contact: alias.contact, state: 'draining' as const, created_at: Date.now(), flipped_at: null, told_at: null };
  await tx.insertInto('aliases').values({ session: alias.session, ...values }).onConflict((c) => c.column('session').doUpdateSet(values)).execute();
  return true;
}

export async function removeAlias(tx: Tx, session: string): Promise<void> {
  await tx.deleteFrom('aliases').where('session', '=', session).execute();
}

export async function aliasOf(db: Db | Tx, session: string): Promise<Alias | undefined> {
  const row = await db.selectFrom('aliases').selectAll().where('session', '=', session).executeTakeFirst();
  return row && decode(row);
}

/** Older sessions of whoever speaks in this one, oldest first: what they stop, and what they may answer. */
export async function aliasesOf(db: Db | Tx, primary: string): Promise<Alias[]> {
  return (await db.selectFrom('aliases').selectAll().where('primary_session', '=', primary).orderBy('created_at').orderBy('session').execute()).map(decode);
}

/**
 * Where a person's direct message goes.
 * @param own their session had nobody linked them @param wanted the session of whom they are linked to
 */
export async function throughAlias(db: Db | Tx, own: string, wanted: string, contact: string): Promise<string> {
  if (own === wanted) return wanted;
  const alias = await aliasOf(db, own);
  return alias?.state === 'draining' && alias.contact === contact ? own : wanted;
}

/** Makes those active whose session has no run, queue or open question. @returns their sessions */
export async function flipQuiet(db: Db): Promise<string[]> {
  const flipped: string[] = [];
  const draining = await db.selectFrom('aliases').select('session').where('state', '=', 'draining').orderBy('created_at').execute();
  for (const { session } of draining) {
    const isFlipped = await db.transaction().execute(async (tx) => {
      const open = await tx.selectFrom('inbound').select('id').where('session', '=', session).where('state', 'in', ['accepted', 'signalled', 'taken']).limit(1).executeTakeFirst();
      const asked = await tx.selectFrom('approvals').select('id').where('session', '=', session).where((e) => e.or([e('state', '=', 'open'), e.and([e('call_key', 'is not', null), e('settled_at', 'is', null), e('state', 'in', ['allowed', 'denied'])])])).limit(1).executeTakeFirst();
      if (open || asked) return false;
      const { numUpdatedRows } = await tx.updateTable('aliases').set({ state: 'active', flipped_at: Date.now() }).where('session', '=', session).where('state', '=', 'draining').executeTakeFirst();
      return numUpdatedRows > 0n;
    });
    if (isFlipped) flipped.push(session);
  }
  return flipped;
}

/** Active ones that the primary session's model was not told of, once: in the transaction that writes the row that tells it. */
export async function takeUntold(tx: Tx, primary: string): Promise<Alias[]> {
  const rows = await tx.updateTable('aliases').set({ told_at: Date.now() }).where('primary_session', '=', primary).where('state', '=', 'active').where('told_at', 'is', null).returningAll().execute();
  return rows.map(decode).toSorted((a, b) => a.session.localeCompare(b.session));
}

const decode = (row: Selectable<AliasesTable>): Alias => ({
  session: row.session, primary: row.primary_session, contact: row.contact, state: row.state, createdAt: Number(row.created_at),
  ...(row.flipped_at === null ? {} : { flippedAt: Number(row.flipped_at) }),
});

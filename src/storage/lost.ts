/**
 * Sessions whose latest entries the store lost (a torn disk, an older copy put back). The mark stays until the model of
 * the session was told, in the same transaction as the row that tells it.
 */
import { sql } from 'kysely';
import type { Logger } from '../core/ports.js';
import type { Tx } from './fence.js';
import { raise } from './notices.js';
import type { Db } from './sqlite.js';

const PREFIX = 'lost:';

/** @param since epoch milliseconds of the newest entry that is left; 0 when none is */
export async function markLost(tx: Tx, session: string, since: number): Promise<void> {
  await tx.insertInto('meta').values({ name: PREFIX + session, value: String(since) }).onConflict((c) => c.column('name').doNothing()).execute();
}

/** Every session that the store knows of may have had more. */
export async function markAllLost(tx: Tx, since: number): Promise<void> {
  await sql`insert into meta (name, value) select ${PREFIX} || key, ${String(since)} from sessions where deleted_at is null on conflict (name) do nothing`.execute(tx);
}

/** @returns since when entries are lost, once */
export async function takeLost(tx: Tx, session: string): Promise<number | undefined> {
  const row = await tx.deleteFrom('meta').where('name', '=', PREFIX + session).returning('value').executeTakeFirst();
  return row && Number(row.value);
}

/** Epoch milliseconds of the newest thing the store has of a session, or of all. */
export async function newestEntry(db: Db | Tx, session?: string): Promise<number> {
  let rows = db.selectFrom('transcript').select((e) => e.fn.max('created_at').as('at'));
  let messages = db.selectFrom('inbound').select((e) => e.fn.max('accepted_at').as('at'));
  if (session !== undefined) {
    rows = rows.where('session', '=', session);
    messages = messages.where('session', '=', session);
  }
  const found = await Promise.all([rows.executeTakeFirst(), messages.executeTakeFirst()]);
  return Math.max(0, ...found.map((row) => Number(row?.at ?? 0)));
}

/** Marks the session for its model, and tells the owner. */
export async function noteLoss(tx: Tx, log: Logger, session: string, found: string): Promise<void> {
  const since = await newestEntry(tx, session);
  await markLost(tx, session, since);
  const left = since === 0 ? 'Nothing of it is left.' : `Nothing of it after ${new Date(since).toISOString()} is left.`;
  await raise(
    tx,
    {
      key: `store-behind:${session}`,
      level: 'error',
      text: `The store lost the latest entries of session ${session}: ${found}. ${left} Unfinished runs go on from there, and the model is told to look before it repeats anything.`,
      hint: 'Check the disk, and what the agent did last; messages sent after that time may have to be sent again.',
    },
    log,
  );
}

/**
 * Transcript rows. Invariant: `(session, seq)` is written once; an existing row is the answer only if its conversation,
 * run, step and kind all match, otherwise the writer is a zombie and is fenced out.
 */
import type { Fence } from '../core/steps.js';
import type { RowContent, RowIdentity, RowKind, TranscriptRow } from '../core/transcript.js';
import type { Selectable } from 'kysely';
import { assertFence, fencedOut, type Tx } from './fence.js';
import { noteMedia, rowSource } from './media-uses.js';
import { enterWords } from './search.js';
import type { Db } from './sqlite.js';
import type { TranscriptTable } from './tables.js';

export interface NewRow extends Omit<RowIdentity, 'conversation'> {
  readonly seq: number;
  readonly content: RowContent;
}

/** Checks the fence, then writes rows that are not there yet. @returns the rows as stored. @throws CodedError FENCED_OUT */
export async function appendRows(tx: Tx, fence: Fence, rows: readonly NewRow[]): Promise<TranscriptRow[]> {
  await assertFence(tx, fence);
  const stored: TranscriptRow[] = [];
  for (const row of rows) {
    const content = JSON.stringify(row.content);
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('transcript')
      .values({
        session: fence.session,
        seq: row.seq,
        conversation: fence.conversation,
        run: row.run,
        step: row.step,
        kind: row.kind,
        generation: fence.generation,
        content,
        created_at: Date.now(),
      })
      .onConflict((c) => c.columns(['session', 'seq']).doNothing())
      .executeTakeFirst();
    const found = await rowAt(tx, fence.session, row.seq);
    if (!found || !sameIdentity(found, { ...row, conversation: fence.conversation })) {
      throw fencedOut(`seq ${row.seq} of ${fence.session} holds another row (${found?.kind ?? 'none'} of step ${found?.step ?? '-'})`);
    }
    if ((numInsertedOrUpdatedRows ?? 0n) > 0n) {
      await enterWords(tx, fence.session, row.seq, row.content);
      await noteMedia(tx, rowSource(fence.session, row.seq), content);
    }
    stored.push(found);
  }
  return stored;
}

export const sameIdentity = (a: RowIdentity, b: RowIdentity): boolean =>
  a.conversation === b.conversation && a.run === b.run && a.step === b.step && a.kind === b.kind;

export async function rowAt(db: Db | Tx, session: string, seq: number): Promise<TranscriptRow | undefined> {
  const row = await db.selectFrom('transcript').selectAll().where('session', '=', session).where('seq', '=', seq).executeTakeFirst();
  return row && decode(row);
}

/** Pages of this many rows are read back from the newest until enough text is there. */
const RECENT_PAGE = 200;

/**
 * The newest rows of a conversation, oldest first: at least `chars` characters of them (or all), so that a step of
 * turn 10,000 reads no more than one of turn 10.
 */
export async function recentRows(db: Db, session: string, conversation: string, chars: number): Promise<TranscriptRow[]> {
  const rows: TranscriptRow[] = [];
  let size = 0;
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const page = await db
      .selectFrom('transcript')
      .selectAll()
      .where('session', '=', session)
      .where('conversation', '=', conversation)
      .where('seq', '<', before)
      .orderBy('seq', 'desc')
      .limit(RECENT_PAGE)
      .execute();
    for (const row of page) {
      size += row.content.length;
      rows.push(decode(row));
    }
    const last = page.at(-1);
    if (!last || page.length < RECENT_PAGE || size >= chars) return rows.reverse();
    before = Number(last.seq);
  }
}

/** @param step only those of one step */
export async function runRows(db: Db | Tx, run: string, step?: number): Promise<TranscriptRow[]> {
  const rows = db.selectFrom('transcript').selectAll().where('run', '=', run).orderBy('seq');
  return (await (step === undefined ? rows : rows.where('step', '=', step)).execute()).map(decode);
}

/** The newest rows of a conversation, oldest first, with how many there are in all. */
export async function historyPage(
  db: Db,
  session: string,
  conversation: string,
  page: { readonly limit: number; readonly offset: number; readonly beforeSeq?: number },
): Promise<{ readonly rows: readonly TranscriptRow[]; readonly total: number }> {
  const base = db.selectFrom('transcript').where('session', '=', session).where('conversation', '=', conversation);
  const below = page.beforeSeq === undefined ? base : base.where('seq', '<', page.beforeSeq);
  const rows = await below.selectAll().orderBy('seq', 'desc').limit(page.limit).offset(page.offset).execute();
  const { count } = await base.select((e) => e.fn.countAll().as('count')).executeTakeFirstOrThrow();
  return { rows: rows.map(decode).reverse(), total: Number(count) };
}

/** Rows of all conversations after a seq, oldest first, with the characters each takes. */
export async function rowsAfter(db: Db, session: string, after: number, limit: number): Promise<readonly { readonly row: TranscriptRow; readonly size: number }[]> {
  const rows = await db.selectFrom('transcript').selectAll().where('session', '=', session).where('seq', '>', after).orderBy('seq').limit(limit).execute();
  return rows.map((row) => ({ row: decode(row), size: row.content.length }));
}

/** Of rows that are there and of those that were erased: no seq is given twice. */
export async function highestSeq(tx: Tx | Db, session: string): Promise<number> {
  const row = await tx.selectFrom('transcript').select((e) => e.fn.max('seq').as('seq')).where('session', '=', session).executeTakeFirst();
  const erased = await tx.selectFrom('sessions').select('floor').where('key', '=', session).executeTakeFirst();
  return Math.max(Number(row?.seq ?? 0), Number(erased?.floor ?? 0));
}

const decode = (row: Selectable<TranscriptTable>): TranscriptRow => ({
  session: row.session,
  seq: Number(row.seq),
  conversation: row.conversation,
  run: row.run,
  step: Number(row.step),
  kind: row.kind as RowKind,
  generation: Number(row.generation),
  content: JSON.parse(row.content) as RowContent,
  createdAt: Number(row.created_at),
});

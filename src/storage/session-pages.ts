/** What is read of one session as a whole: its conversations, its cost, and all its rows page by page, also those of earlier conversations. */
import type { TranscriptRow } from '../core/transcript.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';
import { rowsAfter } from './transcript.js';

export interface ConversationFacts {
  readonly id: string;
  readonly rows: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Epoch milliseconds of its first and its last row. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Oldest first. */
export async function conversationsOf(db: Db | Tx, session: string): Promise<readonly ConversationFacts[]> {
  const found = await db
    .selectFrom('transcript')
    .select((e) => ['conversation', e.fn.countAll().as('rows'), e.fn.min('seq').as('first'), e.fn.max('seq').as('last')])
    .where('session', '=', session)
    .groupBy('conversation')
    .execute();
  const ends = found.flatMap((row) => [Number(row.first), Number(row.last)]);
  const times = ends.length === 0 ? [] : await db.selectFrom('transcript').select(['seq', 'created_at']).where('session', '=', session).where('seq', 'in', [...new Set(ends)]).execute();
  const at = new Map(times.map((row) => [Number(row.seq), Number(row.created_at)]));
  return found
    .map((row): ConversationFacts => {
      const [firstSeq, lastSeq] = [Number(row.first), Number(row.last)];
      return { id: row.conversation, rows: Number(row.rows), firstSeq, lastSeq, firstAt: at.get(firstSeq) ?? 0, lastAt: at.get(lastSeq) ?? 0 };
    })
    .toSorted((a, b) => a.firstSeq - b.firstSeq);
}

/** Sum over everything the session ever asked, also what was deleted since. */
export async function costOf(db: Db, session: string): Promise<number> {
  const row = await db.selectFrom('usage').select((e) => e.fn.sum('cost_usd').as('cost')).where('session', '=', session).executeTakeFirst();
  return Number(row?.cost ?? 0);
}

/** Runs of rows as clients know them, by their hash. */
export async function runIdsOf(db: Db, rows: readonly Pick<TranscriptRow, 'run'>[]): Promise<ReadonlyMap<string, string>> {
  const runs = [...new Set(rows.map(({ run }) => run))];
  if (runs.length === 0) return new Map();
  return new Map((await db.selectFrom('inbound').select(['run', 'run_id']).where('run', 'in', runs).execute()).map((row) => [row.run, row.run_id]));
}

/** Characters of a page: far below what one frame of the wire holds. */
const PAGE_CHARS = 4_000_000;

/** Rows after `after`, oldest first. @returns also whether there are more */
export async function pageOf(db: Db, session: string, after: number, limit: number): Promise<{ readonly rows: readonly TranscriptRow[]; readonly more: boolean }> {
  const rows: TranscriptRow[] = [];
  let chars = 0;
  for (let from = after; ; ) {
    const next = await rowsAfter(db, session, from, Math.min(50, limit + 1 - rows.length));
    for (const { row, size } of next) {
      if (rows.length === limit || (rows.length > 0 && chars + size > PAGE_CHARS)) return { rows, more: true };
      rows.push(row);
      chars += size;
    }
    const last = next.at(-1);
    if (!last) return { rows, more: false };
    from = last.row.seq;
  }
}

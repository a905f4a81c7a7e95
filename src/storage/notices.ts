/**
 * Notices: what the owner must be told and no conversation can tell. One row a key, raised again as often as it happens.
 * Invariant: a notice holds ids and facts, never message text or secrets: it is shown by `status`, logged and sent to pages.
 */
import type { Selectable } from 'kysely';
import type { Notice } from '../core/notice.js';
import type { Logger } from '../core/ports.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';
import type { NoticesTable } from './tables.js';

export type NewNotice = Pick<Notice, 'key' | 'level' | 'text' | 'hint'>;

/** What merely happened is shown for a day. */
const INFO_SHOWN_MS = 24 * 3_600_000;
/** Resolved ones can be looked up in the store for this long. */
const RESOLVED_KEPT_MS = 30 * 24 * 3_600_000;

/** Raises it, or counts it once more. The log gets a line only when it was not open, or says something new. */
export async function raise(db: Db | Tx, notice: NewNotice, log?: Logger): Promise<void> {
  const now = Date.now();
  const { key, level, text } = notice;
  const hint = notice.hint ?? null;
  const before = await db.selectFrom('notices').select(['text', 'resolved_at']).where('key', '=', key).executeTakeFirst();
  await db
    .insertInto('notices')
    .values({ key, level, text, hint, times: 1, first_at: now, last_at: now, resolved_at: null })
    .onConflict((c) => c.column('key').doUpdateSet((e) => ({ level, text, hint, times: e('notices.times', '+', 1), last_at: now, resolved_at: null })))
    .execute();
  if (before === undefined || before.resolved_at !== null || before.text !== text) log?.[level]({ notice: key, ...(notice.hint === undefined ? {} : { hint: notice.hint }) }, text);
}

/** For one thing that several may come upon, its text being all of it: said already, also when it was put away since, it is not said again. */
export async function raiseOnce(db: Db | Tx, notice: NewNotice, log?: Logger): Promise<void> {
  const before = await db.selectFrom('notices').select('text').where('key', '=', notice.key).executeTakeFirst();
  if (before?.text !== notice.text) await raise(db, notice, log);
}

/** It is over, or the owner has seen it. @returns whether it was open */
export async function resolve(db: Db | Tx, key: string): Promise<boolean> {
  const { numUpdatedRows } = await db.updateTable('notices').set({ resolved_at: Date.now() }).where('key', '=', key).where('resolved_at', 'is', null).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** The worst first, then the newest. */
export async function openNotices(db: Db): Promise<Notice[]> {
  const rows = await db.selectFrom('notices').selectAll().where('resolved_at', 'is', null).orderBy('last_at', 'desc').orderBy('key').execute();
  return rows.map(decode).toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

export async function pruneNotices(db: Db): Promise<void> {
  const now = Date.now();
  await db.updateTable('notices').set({ resolved_at: now }).where('level', '=', 'info').where('resolved_at', 'is', null).where('last_at', '<', now - INFO_SHOWN_MS).execute();
  await db.deleteFrom('notices').where('resolved_at', '<', now - RESOLVED_KEPT_MS).execute();
}

const LEVELS: readonly Notice['level'][] = ['error', 'warn', 'info'];

const decode = (row: Selectable<NoticesTable>): Notice => ({
  key: row.key,
  level: row.level,
  text: row.text,
  ...(row.hint === null ? {} : { hint: row.hint }),
  times: Number(row.times),
  firstAt: Number(row.first_at),
  lastAt: Number(row.last_at),
});

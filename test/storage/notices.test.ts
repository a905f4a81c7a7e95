/** Notices: one a key, logged when it is new, gone when it is over. */
import { expect, it } from 'vitest';
import { openNotices, pruneNotices, raise, resolve } from '../../src/storage/notices.js';
import { makeStore } from './store.js';

function logger() {
  const lines: string[] = [];
  const at = (level: string) => (_: object, message: string): void => void lines.push(`${level} ${message}`);
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

it('is counted, not repeated, and logged once at its level until it says something new or comes back', async () => {
  const { db } = await makeStore();
  const { lines, log } = logger();
  const notice = { key: 'session-stuck:a', level: 'error', text: 'it fails', hint: 'do this' } as const;
  for (let i = 0; i < 3; i += 1) await raise(db, notice, log);
  expect(await openNotices(db)).toMatchObject([{ ...notice, times: 3 }]);
  expect(lines).toEqual(['error it fails']);
  await raise(db, { ...notice, text: 'it fails otherwise' }, log);
  expect(await resolve(db, notice.key)).toBe(true);
  expect(await resolve(db, notice.key)).toBe(false);
  expect(await openNotices(db)).toEqual([]);
  await raise(db, { ...notice, text: 'it fails otherwise' }, log);
  expect(lines).toEqual(['error it fails', 'error it fails otherwise', 'error it fails otherwise']);
  expect(await openNotices(db)).toMatchObject([{ times: 5 }]);
});

it('shows the worst first, and what merely happened for a day', async () => {
  const { db } = await makeStore();
  for (const level of ['info', 'error', 'warn'] as const) await raise(db, { key: level, level, text: level });
  expect((await openNotices(db)).map((notice) => notice.key)).toEqual(['error', 'warn', 'info']);
  await db.updateTable('notices').set({ last_at: Date.now() - 25 * 3_600_000 }).execute();
  await pruneNotices(db);
  expect((await openNotices(db)).map((notice) => notice.key)).toEqual(['error', 'warn']);
  await db.updateTable('notices').set({ resolved_at: 1 }).where('key', '=', 'info').execute();
  await pruneNotices(db);
  expect(await db.selectFrom('notices').select('key').orderBy('key').execute()).toEqual([{ key: 'error' }, { key: 'warn' }]);
});

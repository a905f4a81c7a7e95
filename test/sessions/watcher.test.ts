/** The watcher's decisions; what it does to real workflows: test/workflows/repair.test.ts. */
import { expect, it } from 'vitest';
import type { SessionView } from '../../src/core/run.js';
import type { SessionCondition } from '../../src/sessions/condition.js';
import { createSweeper } from '../../src/sessions/sweeper.js';
import { createWatcher } from '../../src/sessions/watcher.js';
import { markTaken } from '../../src/storage/inbound.js';
import { openNotices, resolve } from '../../src/storage/notices.js';
import { SESSION } from '../storage/store.js';
import { type House, makeHouse } from './house.js';

const failing = (over: Partial<Extract<SessionCondition, { state: 'failing' }>> = {}): SessionCondition => ({ state: 'failing', since: Date.now(), attempt: 5, message: 'a TypeError', nonDeterminism: false, ...over });
const view = (over: Partial<SessionView>): SessionView => ({ session: SESSION, state: 'running', generation: 1, nextSeq: 1, waiting: [], holds: [], ...over });
const keys = async (house: House): Promise<string[]> => (await openNotices(house.db)).map((notice) => notice.key);

/** A session with one run that was taken a while ago. */
async function busy(): Promise<{ readonly house: House; readonly run: string }> {
  const house = await makeHouse();
  const { inboundId, run } = await house.send('a', 'my secret plan');
  await house.db.transaction().execute((tx) => markTaken(tx, inboundId));
  await house.db.updateTable('inbound').set({ signalled_at: 1, taken_at: 1 }).execute();
  house.engine.running.add(SESSION);
  return { house, run };
}

it('a task that keeps failing is said once, without a word of the message, and taken back when it works again', async () => {
  const { house, run } = await busy();
  house.engine.conditions.set(SESSION, failing());
  const watcher = createWatcher(house);
  await watcher.pass();
  await watcher.pass();
  expect(await openNotices(house.db)).toMatchObject([{ key: `session-stuck:${SESSION}`, level: 'error', times: 2, hint: `openclaw sessions recover ${SESSION}` }]);
  expect(house.lines.filter((line) => line.level === 'error')).toHaveLength(1);
  expect(JSON.stringify([await openNotices(house.db), house.lines])).not.toContain('secret');
  expect(house.engine.terminated).toEqual([]);
  house.engine.conditions.delete(SESSION);
  house.engine.views.set(SESSION, view({ holds: [run] }));
  await watcher.pass();
  expect(await keys(house)).toEqual([]);
  expect(house.engine.terminated).toEqual([]);
});

it('a stuck session is taken back also when its runs have ended meanwhile', async () => {
  const { house } = await busy();
  house.engine.conditions.set(SESSION, failing());
  const watcher = createWatcher(house);
  await watcher.pass();
  await house.db.updateTable('inbound').set({ state: 'ok' }).execute();
  house.engine.conditions.delete(SESSION);
  await watcher.pass();
  expect(await keys(house)).toEqual([]);
});

it('a task that merely waits is said when it still waits at the next look, not right after an outage', async () => {
  const { house } = await busy();
  const watcher = createWatcher(house);
  house.engine.conditions.set(SESSION, failing({ vague: true, since: 1 }));
  await watcher.pass();
  house.engine.conditions.set(SESSION, failing({ vague: true, since: 2 }));
  await watcher.pass();
  expect(await keys(house)).toEqual([]);
  await watcher.pass();
  expect(await keys(house)).toEqual([`session-stuck:${SESSION}`]);
});

it('non-determinism is recovered by itself after its time, and not before; another failure never', async () => {
  const { house } = await busy();
  const watcher = createWatcher(house, { recoverAfterMs: 60_000 });
  house.engine.conditions.set(SESSION, failing({ since: 1 }));
  await watcher.pass();
  house.engine.conditions.set(SESSION, failing({ nonDeterminism: true, since: Date.now() - 59_000 }));
  await watcher.pass();
  expect(house.engine.terminated).toEqual([]);
  const before = house.engine.delivered.length;
  house.engine.conditions.set(SESSION, failing({ nonDeterminism: true, since: Date.now() - 61_000 }));
  await watcher.pass();
  expect(house.engine.terminated).toMatchObject([{ session: SESSION }]);
  expect(house.engine.delivered.slice(before)).toMatchObject([{ to: { session: SESSION } }]);
  expect(await keys(house)).toEqual([`session-recovered:${SESSION}`]);
});

it('a run whose end is in its row by the time it is looked at again is no loss', async () => {
  const { house } = await busy();
  house.engine.view = async () => {
    await house.db.updateTable('inbound').set({ state: 'ok' }).execute();
    return view({ nextSeq: 9 });
  };
  await createWatcher(house).pass();
  expect(house.engine.terminated).toEqual([]);
  expect(await keys(house)).toEqual([]);
});

it('a workflow that is still opening, or cannot be asked, is not suspected', async () => {
  const { house } = await busy();
  const watcher = createWatcher(house);
  await watcher.pass();
  house.engine.views.set(SESSION, view({ generation: 0 }));
  await watcher.pass();
  house.engine.view = () => Promise.reject(new Error('no worker'));
  await watcher.pass();
  expect(house.engine.terminated).toEqual([]);
});

it('how a session ended is said for what people and failures did, not for idleness or our own doing', async () => {
  const { house } = await busy();
  const watcher = createWatcher(house);
  const ended = (over: object): void => void house.engine.conditions.set(SESSION, { state: 'gone', ended: { how: 'terminated', at: 1, ...over } });
  for (const quiet of [{ how: 'completed' }, { reason: 'openclaw: recovered by owner' }]) {
    ended(quiet);
    await watcher.gone(SESSION);
  }
  expect(await keys(house)).toEqual([]);
  ended({ by: 'ann@host', reason: 'a test' });
  await watcher.gone(SESSION);
  expect(await openNotices(house.db)).toMatchObject([{ key: `session-restarted:${SESSION}`, level: 'info', text: expect.stringContaining('terminated by ann@host at 1970-01-01T00:00:00.001Z; a test') }]);
  // Whoever else comes upon the same ending, also after it was put away, tells nothing new; another ending is another notice.
  await watcher.gone(SESSION);
  expect(await openNotices(house.db)).toMatchObject([{ times: 1 }]);
  await resolve(house.db, `session-restarted:${SESSION}`);
  await watcher.gone(SESSION);
  expect(await keys(house)).toEqual([]);
  ended({ by: 'ann@host', reason: 'a test', at: 2 });
  await watcher.gone(SESSION);
  expect(await openNotices(house.db)).toMatchObject([{ times: 2 }]);
});

it('the sweeper tells of a session that is gone before it signals, once for all its rows, and a pass that fails stops nothing', async () => {
  const house = await makeHouse();
  for (const id of ['a', 'b']) await house.send(id, 'x');
  await house.db.updateTable('inbound').set({ signalled_at: 1 }).execute();
  const gone: number[] = [];
  let passes = 0;
  const sweeper = createSweeper({
    ...house,
    onGone: async () => void gone.push(house.engine.delivered.length),
    passes: [() => Promise.reject(new Error('broken')), async () => void (passes += 1)],
  });
  expect(await sweeper.sweep()).toBe(2);
  expect(gone).toEqual([2]);
  expect(passes).toBe(1);
  house.engine.away = new Error('away');
  await house.db.updateTable('inbound').set({ state: 'accepted' }).execute();
  await expect(sweeper.sweep()).rejects.toThrow('away');
  expect(passes).toBe(2);
});

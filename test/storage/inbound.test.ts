/** `inbound` rows: what became of each message, and only forward. */
import { describe, expect, it } from 'vitest';
import type { InboundState } from '../../src/core/run.js';
import { TERMINAL_STATES } from '../../src/core/run.js';
import { endInbound, inboundByRun, inboundByRunId, inboundOfPrincipal, inboxItem, markSignalled, markTaken, openInbound, sweepable } from '../../src/storage/inbound.js';
import type { Db } from '../../src/storage/sqlite.js';
import { SESSION, accept, makeStore, rowOf } from './store.js';

const take = (db: Db, id: string): Promise<boolean> => db.transaction().execute((tx) => markTaken(tx, id));
const end = (db: Db, id: string, state: InboundState, more: { readonly reason?: string; readonly mergedInto?: string } = {}): Promise<void> =>
  db.transaction().execute((tx) => endInbound(tx, id, { state, outcome: { state: 'ok', seq: 2 }, ...more }));
/** Puts a row into any state, as pairing or an older process would have left it. */
const force = (db: Db, id: string, state: InboundState): Promise<unknown> => db.updateTable('inbound').set({ state }).where('id', '=', id).execute();

describe('acceptance', () => {
  it('keeps the whole message and what was asked', async () => {
    const { db } = await makeStore();
    await accept(db, 'a', { request: JSON.stringify({ model: 'fake/two' }), role: 'guest', priority: 3 });
    expect(await rowOf(db, 'a')).toEqual({
      inboundId: 'a', run: 'run of a', runId: 'a', session: SESSION, principal: 'owner', role: 'guest', rights: 'all', channel: 'rpc', mode: 'followup', priority: 3, at: 1_000, state: 'accepted',
      payloadHash: 'hash', message: expect.objectContaining({ text: 'text of a' }), request: { model: 'fake/two' },
    });
  });

  it.each([
    ['the same message key', { message_key: 'key of a' }],
    ['the same run', { run: 'run of a' }],
    ['the same run id of the same principal, whatever the session', { run_id: 'a', session: 'agent:main:other' }],
  ])('of %s happens once', async (_, over) => {
    const { db } = await makeStore();
    expect(await accept(db, 'a')).toBe(true);
    expect(await accept(db, 'a')).toBe(false);
    expect(await accept(db, 'b', over)).toBe(false);
    expect(await db.selectFrom('inbound').select('id').execute()).toEqual([{ id: 'a' }]);
  });

  it('of the same run id by two principals is two runs; the newest is found by the id alone', async () => {
    const { db } = await makeStore();
    expect(await accept(db, 'a', { run_id: 'same', principal: 'ann', accepted_at: 1 })).toBe(true);
    expect(await accept(db, 'b', { run_id: 'same', principal: 'bob', accepted_at: 2 })).toBe(true);
    expect((await inboundOfPrincipal(db, 'ann', 'same'))?.inboundId).toBe('a');
    expect((await inboundOfPrincipal(db, 'bob', 'same'))?.inboundId).toBe('b');
    expect(await inboundOfPrincipal(db, 'eve', 'same')).toBeUndefined();
    expect((await inboundByRunId(db, 'same'))?.inboundId).toBe('b');
    expect(await inboundByRunId(db, 'same', 'agent:main:other')).toBeUndefined();
    expect((await inboundByRun(db, 'run of a'))?.inboundId).toBe('a');
  });
});

describe('a row', () => {
  it('goes from accepted to signalled to taken to its end, and each time is kept', async () => {
    const { db } = await makeStore();
    await accept(db, 'a');
    await markSignalled(db, 'a');
    const signalled = await rowOf(db, 'a');
    expect(signalled).toMatchObject({ state: 'signalled', signalledAt: expect.any(Number) });
    expect(await take(db, 'a')).toBe(true);
    const taken = await rowOf(db, 'a');
    expect(taken).toMatchObject({ state: 'taken', takenAt: expect.any(Number), signalledAt: signalled.signalledAt });
    await end(db, 'a', 'ok');
    expect(await rowOf(db, 'a')).toMatchObject({ state: 'ok', outcome: { state: 'ok', seq: 2 }, takenAt: taken.takenAt, endedAt: expect.any(Number) });
  });

  it('that was taken is not set back by a late signal', async () => {
    const { db } = await makeStore();
    await accept(db, 'a');
    await take(db, 'a');
    await markSignalled(db, 'a');
    expect((await rowOf(db, 'a')).state).toBe('taken');
  });

  it('taken again keeps the time of the first: a run’s limit counts from there', async () => {
    const { db } = await makeStore();
    await accept(db, 'a');
    await take(db, 'a');
    await db.updateTable('inbound').set({ taken_at: 5 }).execute();
    expect(await take(db, 'a')).toBe(true);
    expect((await rowOf(db, 'a')).takenAt).toBe(5);
  });

  it('that is held is neither signalled nor taken: only pairing moves it', async () => {
    const { db } = await makeStore();
    await accept(db, 'a', { state: 'held' });
    await markSignalled(db, 'a');
    expect(await take(db, 'a')).toBe(false);
    expect((await rowOf(db, 'a')).state).toBe('held');
    expect(await openInbound(db, SESSION)).toEqual([]);
    expect(await sweepable(db, Number.MAX_SAFE_INTEGER)).toEqual([]);
  });

  it.each(TERMINAL_STATES)('that ended as %s never changes again', async (state) => {
    const { db } = await makeStore();
    await accept(db, 'a');
    await end(db, 'a', state, { reason: 'why', mergedInto: 'other' });
    const ended = await rowOf(db, 'a');
    expect(ended).toMatchObject({ state, reason: 'why', mergedInto: 'other' });
    await markSignalled(db, 'a');
    expect(await take(db, 'a')).toBe(false);
    for (const other of TERMINAL_STATES) await end(db, 'a', other, { reason: 'other' });
    expect(await rowOf(db, 'a')).toEqual(ended);
    expect(await openInbound(db, SESSION)).toEqual([]);
    expect(await sweepable(db, Number.MAX_SAFE_INTEGER)).toEqual([]);
  });

  it.each(['accepted', 'held', 'signalled', 'taken'] as const)('cannot end as %s', async (state) => {
    const { db } = await makeStore();
    await accept(db, 'a');
    await expect(end(db, 'a', state)).rejects.toThrow(state);
    expect((await rowOf(db, 'a')).state).toBe('accepted');
  });

  it('in a signal is ids and facts, and no text', async () => {
    const { db } = await makeStore();
    await accept(db, 'a');
    const item = inboxItem(await rowOf(db, 'a'));
    expect(item).toEqual({ inboundId: 'a', run: 'run of a', principal: 'owner', role: 'owner', rights: 'all', mode: 'followup', priority: 2, at: 1_000 });
    expect(JSON.stringify(item)).not.toContain('text of');
  });
});

it('a session finds its unfinished rows, oldest first and by id within one moment, and no others', async () => {
  const { db } = await makeStore();
  for (const [id, at] of [['d', 30], ['c', 10], ['b', 20], ['a', 20], ['x', 1], ['y', 1]] as const) await accept(db, id, { accepted_at: at });
  await accept(db, 'other', { session: 'agent:main:other', accepted_at: 1 });
  await markSignalled(db, 'd');
  await take(db, 'b');
  await end(db, 'x', 'dropped');
  await force(db, 'y', 'held');
  expect((await openInbound(db, SESSION)).map((row) => [row.inboundId, row.state])).toEqual([['c', 'accepted'], ['a', 'accepted'], ['b', 'taken'], ['d', 'signalled']]);
});

describe('the sweeper looks at', () => {
  it('rows never signalled, at once, and at others when their signal is old, in order of arrival', async () => {
    const { db } = await makeStore();
    for (const [at, id] of ['new', 'old signal', 'fresh signal', 'old taken', 'fresh taken'].entries()) await accept(db, id, { accepted_at: at });
    for (const id of ['old signal', 'fresh signal', 'old taken', 'fresh taken']) await markSignalled(db, id);
    for (const id of ['old taken', 'fresh taken']) await take(db, id);
    await db.updateTable('inbound').set({ signalled_at: 100 }).where('id', 'in', ['old signal', 'old taken']).execute();
    await db.updateTable('inbound').set({ signalled_at: 200 }).where('id', 'in', ['fresh signal', 'fresh taken']).execute();
    expect((await sweepable(db, 200)).map((row) => row.inboundId)).toEqual(['new', 'old signal', 'old taken']);
    expect((await sweepable(db, 100)).map((row) => row.inboundId)).toEqual(['new']);
  });

  it('a row that was taken before its signal was noted: a killed process may leave one', async () => {
    const { db } = await makeStore();
    await accept(db, 'a');
    await take(db, 'a');
    expect((await rowOf(db, 'a')).signalledAt).toBeUndefined();
    expect((await sweepable(db, Date.now() + 1_000)).map((row) => row.inboundId)).toEqual(['a']);
    await db.updateTable('inbound').set({ taken_at: 500 }).execute();
    expect(await sweepable(db, 400)).toEqual([]);
  });
});

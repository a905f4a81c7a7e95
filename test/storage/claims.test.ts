/** Claims: an effect is begun once, by one attempt, whatever processes come and go. */
import { describe, expect, it } from 'vitest';
import type { Fence } from '../../src/core/steps.js';
import { beginClaim, finishClaim, type ClaimState } from '../../src/storage/claims.js';
import type { Db } from '../../src/storage/sqlite.js';
import { type Child, SESSION, makeStore, openSession, startChild } from './store.js';

const KEY = 'run:1.0';
interface Options {
  readonly token?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  /** Attempts of this process that still run. */
  readonly living?: readonly string[];
}
const begin = (db: Db, fence: Fence, { token = 'me', facts, signal = new AbortController().signal, living = [] }: Options = {}): Promise<ClaimState<unknown>> =>
  beginClaim(db, fence, KEY, { token, signal, isMine: (other) => living.includes(other), ...(facts ? { facts } : {}) });

describe('a claim', () => {
  it('is begun once, done once, and then answers with the result', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    expect(await begin(db, fence, { facts: { before: 'abc' } })).toEqual({ state: 'begun', begunAt: expect.any(Number) });
    await finishClaim(db, fence, KEY, 'done', { text: 'written' });
    expect(await begin(db, fence, { token: 'retry' })).toEqual({ state: 'done', result: { text: 'written' }, facts: { before: 'abc' }, begunAt: expect.any(Number) });
    await finishClaim(db, fence, KEY, 'done', { text: 'written again' });
    expect(await begin(db, fence, { token: 'retry' })).toMatchObject({ result: { text: 'written' } });
  });

  it('declared unknown stays unknown', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await begin(db, fence);
    await finishClaim(db, fence, KEY, 'unknown', null);
    await finishClaim(db, fence, KEY, 'done', { text: 'late' });
    expect(await begin(db, fence, { token: 'retry' })).toMatchObject({ state: 'unknown' });
  });

  it('of a key knows nothing of another key', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await begin(db, fence);
    expect((await beginClaim(db, fence, 'run:1.1', { token: 'me', signal: new AbortController().signal, isMine: () => false })).state).toBe('begun');
  });

  it('is refused to a zombie, both its beginning and its end', async () => {
    const { db } = await makeStore();
    const zombie = await openSession(db, SESSION, 'one');
    await begin(db, zombie);
    const newest = await openSession(db, SESSION, 'two');
    await expect(begin(db, zombie, { token: 'retry' })).rejects.toMatchObject({ code: 'FENCED_OUT' });
    await expect(finishClaim(db, zombie, KEY, 'done', { text: 'boo' })).rejects.toMatchObject({ code: 'FENCED_OUT' });
    expect(await begin(db, newest, { token: 'retry' })).toMatchObject({ state: 'unknown' });
  });
});

describe('begun by an earlier attempt of this process', () => {
  it('that is over without an end is unknown, with the facts it left', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await begin(db, fence, { token: 'first', facts: { before: 'abc' } });
    expect(await begin(db, fence, { token: 'second' })).toEqual({ state: 'unknown', facts: { before: 'abc' }, begunAt: expect.any(Number) });
  });

  it('that still runs is waited for, and its result taken', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await begin(db, fence, { token: 'first' });
    const second = begin(db, fence, { token: 'second', living: ['first'] });
    await finishClaim(db, fence, KEY, 'done', { text: 'written' });
    expect(await second).toMatchObject({ state: 'done', result: { text: 'written' } });
  });

  it('that still runs is waited for no longer than the caller wants', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await begin(db, fence, { token: 'first' });
    const reason = new Error('the worker is leaving');
    const leaving = new AbortController();
    const second = begin(db, fence, { token: 'second', living: ['first'], signal: leaving.signal });
    leaving.abort(reason);
    await expect(second).rejects.toBe(reason);
  });
});

describe('begun by another process', () => {
  async function heldByChild(): Promise<{ readonly db: Db; readonly fence: Fence; readonly child: Child }> {
    const { db, file } = await makeStore();
    const fence = await openSession(db);
    const child = startChild('claim', file, JSON.stringify(fence), KEY);
    expect(await child.line()).toBe('begun');
    return { db, fence, child };
  }

  it('that lives is waited for, and its result taken', async () => {
    const { db, fence, child } = await heldByChild();
    let ended = false;
    const retry = begin(db, fence).finally(() => (ended = true));
    // It looks at least once more while the child lives: the second look is a wait, not an answer.
    await looks(db, 2);
    expect(ended).toBe(false);
    child.tell('written');
    expect(await retry).toMatchObject({ state: 'done', result: { said: 'written' } });
  });

  it('that was killed is unknown', async () => {
    const { db, fence, child } = await heldByChild();
    const retry = begin(db, fence);
    await looks(db, 1);
    await child.kill();
    expect(await retry).toMatchObject({ state: 'unknown' });
  });

  it.each([
    ['whose number another process has now', { owner_pid: process.pid, owner_start: '1#child' }],
    ['of an earlier boot', { owner_boot: 'an earlier boot' }],
    ['that left no start time', { owner_start: '#child' }],
  ])('%s is unknown at once', async (_, owner) => {
    const { db, fence } = await heldByChild();
    await db.updateTable('claims').set(owner).execute();
    expect(await begin(db, fence)).toMatchObject({ state: 'unknown' });
  });
});

/** Resolves when the waiting claim proved its fence `times` more: each look touches the session's row. */
async function looks(db: Db, times: number): Promise<void> {
  for (let seen = 0; seen < times; seen += 1) {
    await db.updateTable('sessions').set({ updated_at: 0 }).execute();
    while ((await db.selectFrom('sessions').select('updated_at').executeTakeFirstOrThrow()).updated_at === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

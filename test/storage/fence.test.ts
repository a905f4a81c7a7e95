/** Generations: who may write a session. */
import { describe, expect, it } from 'vitest';
import { assertFence, checkFence, ensureSession, isFencedOut, takeGeneration } from '../../src/storage/fence.js';
import { draftText, saveDraft } from '../../src/storage/drafts.js';
import type { Fence } from '../../src/core/steps.js';
import type { Db } from '../../src/storage/sqlite.js';
import { SESSION, makeStore, openSession, startChild } from './store.js';

const prove = (db: Db, fence: Fence): Promise<void> => db.transaction().execute((tx) => assertFence(tx, fence));
const FENCED = { code: 'FENCED_OUT' };
const BEHIND = { code: 'STORE_BEHIND' };

describe('a workflow chain', () => {
  it('has one generation, however often it asks', async () => {
    const { db } = await makeStore();
    const first = await openSession(db);
    expect(first.generation).toBe(1);
    expect(await openSession(db)).toEqual(first);
  });

  it('that is new gets the next generation of the same conversation', async () => {
    const { db } = await makeStore();
    const first = await openSession(db, SESSION, 'one');
    const second = await openSession(db, SESSION, 'two');
    expect(second).toEqual({ ...first, generation: first.generation + 1 });
    expect((await openSession(db, SESSION, 'three')).generation).toBe(3);
  });

  it('that was replaced never comes back', async () => {
    const { db } = await makeStore();
    await openSession(db, SESSION, 'one');
    const second = await openSession(db, SESSION, 'two');
    await expect(openSession(db, SESSION, 'one')).rejects.toMatchObject(FENCED);
    await prove(db, second);
    await openSession(db, SESSION, 'three');
    await expect(openSession(db, SESSION, 'one')).rejects.toMatchObject(FENCED);
    await expect(openSession(db, SESSION, 'two')).rejects.toMatchObject(FENCED);
  });

  it('of one session knows nothing of another session', async () => {
    const { db } = await makeStore();
    const other = 'agent:main:other';
    await openSession(db, SESSION, 'one');
    await openSession(db, SESSION, 'two');
    expect(await openSession(db, other, 'one')).toMatchObject({ session: other, generation: 1 });
  });

  it('of a session that was never accepted is refused', async () => {
    const { db } = await makeStore();
    await expect(db.transaction().execute((tx) => takeGeneration(tx, 'agent:main:nobody', 'one'))).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
  });
});

it('workers that take generations at the same time all get different ones', async () => {
  const { db, file } = await makeStore();
  await openSession(db, SESSION, 'first');
  const chains = (worker: number): string[] => Array.from({ length: 10 }, (_, i) => `${worker}.${i}`);
  const workers = [1, 2, 3].map((worker) => startChild('take-generation', file, SESSION, ...chains(worker)));
  for (const worker of workers) expect(await worker.line()).toBe('ready');
  for (const worker of workers) worker.tell('go');
  const taken = await Promise.all(workers.map(async (worker) => JSON.parse(await worker.line()) as number[]));
  for (const mine of taken) expect(mine).toEqual(mine.toSorted((a, b) => a - b));
  expect(taken.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 2));
});

describe('a writer', () => {
  it('passes with the newest generation and the current conversation', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await prove(db, fence);
    await checkFence(db, fence);
  });

  it.each([
    ['an older generation is fenced out', FENCED, (fence: Fence) => ({ ...fence, generation: fence.generation - 1 })],
    ['another conversation is fenced out', FENCED, (fence: Fence) => ({ ...fence, conversation: 'another' })],
    ['a generation nobody took is ahead of the store', BEHIND, (fence: Fence) => ({ ...fence, generation: fence.generation + 1 })],
    ['a session that is not there is ahead of the store', BEHIND, (fence: Fence) => ({ ...fence, session: 'agent:main:nobody' })],
  ])('with %s, by the write and by the look before it', async (_, failure, change) => {
    const { db } = await makeStore();
    await openSession(db, SESSION, 'one');
    const fence = change(await openSession(db, SESSION, 'two'));
    await expect(prove(db, fence)).rejects.toMatchObject(failure);
    await expect(checkFence(db, fence)).rejects.toMatchObject(failure);
  });

  it('that was fenced out leaves nothing of its transaction', async () => {
    const { db } = await makeStore();
    const zombie = await openSession(db, SESSION, 'one');
    await openSession(db, SESSION, 'two');
    await expect(saveDraft(db, zombie, { run: 'run', step: 1, text: 'boo' })).rejects.toSatisfy(isFencedOut);
    expect(await db.selectFrom('drafts').selectAll().execute()).toEqual([]);
  });

  it('keeps its draft under an id of its own', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const a = await saveDraft(db, fence, { run: 'run', step: 1, text: 'so far' });
    const b = await saveDraft(db, fence, { run: 'run', step: 1, text: 'other' });
    expect([await draftText(db, a), await draftText(db, b), await draftText(db, 'nothing')]).toEqual(['so far', 'other', undefined]);
  });
});

it('a session’s row is made once; a second maker changes nothing', async () => {
  const { db } = await makeStore();
  expect(await ensureSession(db, { key: SESSION, agent: 'main', channel: 'rpc', label: 'Mine' })).toBe(true);
  const before = await db.selectFrom('sessions').selectAll().execute();
  expect(await ensureSession(db, { key: SESSION, agent: 'other', channel: 'telegram', label: 'Yours' })).toBe(false);
  expect(await db.selectFrom('sessions').selectAll().execute()).toEqual(before);
});

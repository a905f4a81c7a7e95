/** Transcript rows: written once, answered only to who they belong to, read back in pages. */
import { describe, expect, it } from 'vitest';
import type { Fence } from '../../src/core/steps.js';
import type { RowKind, TranscriptRow } from '../../src/core/transcript.js';
import type { Db } from '../../src/storage/sqlite.js';
import { type NewRow, appendRows, highestSeq, historyPage, recentRows, rowAt, runRows } from '../../src/storage/transcript.js';
import { SESSION, answerContent, makeStore, openSession, userRow } from './store.js';

const append = (db: Db, fence: Fence, ...rows: readonly NewRow[]): Promise<TranscriptRow[]> => db.transaction().execute((tx) => appendRows(tx, fence, rows));
const answer = (seq: number, text: string, over: Partial<NewRow> = {}): NewRow => ({ seq, run: 'run', step: 1, kind: 'assistant', content: answerContent(text), ...over });
const FENCED = { code: 'FENCED_OUT' };
const seqs = (rows: readonly TranscriptRow[]): number[] => rows.map((row) => row.seq);

describe('a row', () => {
  it('comes back as it was written, with its writer’s generation', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const [stored] = await append(db, fence, answer(1, 'hello'));
    expect(stored).toEqual({ session: SESSION, seq: 1, conversation: fence.conversation, run: 'run', step: 1, kind: 'assistant', generation: 1, content: answerContent('hello'), createdAt: expect.any(Number) });
    expect(await rowAt(db, SESSION, 1)).toEqual(stored);
    expect(await rowAt(db, SESSION, 2)).toBeUndefined();
  });

  it('written again by the same step is the stored one: the first content stands', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const [first] = await append(db, fence, answer(1, 'first'));
    expect(await append(db, fence, answer(1, 'second'))).toEqual([first]);
    expect(await rowAt(db, SESSION, 1)).toEqual(first);
  });

  it('written again by a newer chain of the same step is the stored one too, with its first generation', async () => {
    const { db } = await makeStore();
    const [first] = await append(db, await openSession(db, SESSION, 'one'), answer(1, 'first'));
    expect(await append(db, await openSession(db, SESSION, 'two'), answer(1, 'second'))).toEqual([first]);
  });

  it.each([
    ['run', { run: 'another' }],
    ['step', { step: 2 }],
    ['kind', { kind: 'aborted' as RowKind }],
    ['kind of a tool result', { kind: 'tool.1' as RowKind }],
  ])('with another %s at the same seq fences its writer out', async (_, over) => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await append(db, fence, answer(1, 'first'));
    await expect(append(db, fence, answer(1, 'first', over))).rejects.toMatchObject(FENCED);
    expect((await rowAt(db, SESSION, 1))?.content).toEqual(answerContent('first'));
  });

  it('of another conversation at the same seq fences its writer out', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await append(db, fence, answer(1, 'first'));
    await db.updateTable('sessions').set({ conversation: 'next' }).where('key', '=', SESSION).execute();
    await expect(append(db, { ...fence, conversation: 'next' }, answer(1, 'first'))).rejects.toMatchObject(FENCED);
    await expect(append(db, fence, answer(2, 'late'))).rejects.toMatchObject(FENCED);
    expect(await rowAt(db, SESSION, 2)).toBeUndefined();
  });

  it('of a replaced chain is not written', async () => {
    const { db } = await makeStore();
    const zombie = await openSession(db, SESSION, 'one');
    await openSession(db, SESSION, 'two');
    await expect(append(db, zombie, answer(1, 'boo'))).rejects.toMatchObject(FENCED);
    expect(await rowAt(db, SESSION, 1)).toBeUndefined();
  });

  it('that cannot be written takes the rows of its transaction with it', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await append(db, fence, answer(2, 'in the way', { run: 'other' }));
    await expect(append(db, fence, userRow(1), answer(2, 'mine'))).rejects.toMatchObject(FENCED);
    expect(await rowAt(db, SESSION, 1)).toBeUndefined();
  });
});

it('the highest seq counts every conversation of the session and no other session', async () => {
  const { db } = await makeStore();
  const fence = await openSession(db);
  const other = await openSession(db, 'agent:main:other');
  expect(await highestSeq(db, SESSION)).toBe(0);
  await append(db, fence, userRow(1), userRow(7));
  await append(db, other, userRow(9, { run: 'theirs' }));
  expect(await highestSeq(db, SESSION)).toBe(7);
  await db.updateTable('sessions').set({ conversation: 'next' }).where('key', '=', SESSION).execute();
  await append(db, { ...fence, conversation: 'next' }, userRow(8, { run: 'second' }));
  expect(await highestSeq(db, SESSION)).toBe(8);
});

it('the rows of a run are its own, in order', async () => {
  const { db } = await makeStore();
  const fence = await openSession(db);
  await append(db, fence, userRow(1), userRow(2, { run: 'other' }), answer(4, 'second', { step: 2 }), answer(3, 'first'));
  expect((await runRows(db, 'run')).map((row) => [row.seq, row.step])).toEqual([[1, 0], [3, 1], [4, 2]]);
});

describe('the newest rows', () => {
  const ROWS = 450;
  /** Each row's content is 100 to 130 characters long. */
  async function longConversation() {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await append(db, fence, ...Array.from({ length: ROWS }, (_, i) => userRow(i + 1, { content: { type: 'user', text: 'x'.repeat(40), sender: { id: 'owner' }, attachments: [] } })));
    return { db, fence };
  }

  it('are all of them, oldest first, when they are asked for', async () => {
    const { db, fence } = await longConversation();
    expect(seqs(await recentRows(db, SESSION, fence.conversation, Number.MAX_SAFE_INTEGER))).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
  });

  it('are no more than one page beyond what was asked, and never fewer characters', async () => {
    const { db, fence } = await longConversation();
    const size = (rows: readonly TranscriptRow[]): number => rows.reduce((sum, row) => sum + JSON.stringify(row.content).length, 0);
    const few = await recentRows(db, SESSION, fence.conversation, 1);
    expect(seqs(few)).toEqual(Array.from({ length: 200 }, (_, i) => ROWS - 200 + i + 1));
    const more = await recentRows(db, SESSION, fence.conversation, size(few) + 1);
    expect(seqs(more)).toEqual(Array.from({ length: 400 }, (_, i) => ROWS - 400 + i + 1));
    expect(size(more)).toBeGreaterThan(size(few));
    expect(await recentRows(db, SESSION, fence.conversation, size(few))).toHaveLength(200);
  });

  it('are of this conversation only', async () => {
    const { db, fence } = await longConversation();
    await db.updateTable('sessions').set({ conversation: 'next' }).where('key', '=', SESSION).execute();
    await append(db, { ...fence, conversation: 'next' }, userRow(ROWS + 1, { run: 'second' }));
    expect(seqs(await recentRows(db, SESSION, 'next', Number.MAX_SAFE_INTEGER))).toEqual([ROWS + 1]);
    expect(await recentRows(db, SESSION, 'nothing', 1)).toEqual([]);
  });
});

describe('a page of history', () => {
  async function ten() {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await append(db, fence, ...Array.from({ length: 10 }, (_, i) => userRow(i + 1)));
    return (page: Parameters<typeof historyPage>[3]) => historyPage(db, SESSION, fence.conversation, page);
  }

  it('is the newest rows, oldest first, with the count of all', async () => {
    const page = await ten();
    const { rows, total } = await page({ limit: 3, offset: 0 });
    expect([seqs(rows), total]).toEqual([[8, 9, 10], 10]);
  });

  it('goes back by offset or by seq, each row once, and ends empty', async () => {
    const page = await ten();
    expect(seqs((await page({ limit: 3, offset: 3 })).rows)).toEqual([5, 6, 7]);
    const below = await page({ limit: 3, offset: 0, beforeSeq: 3 });
    expect([seqs(below.rows), below.total]).toEqual([[1, 2], 10]);
    expect(seqs((await page({ limit: 2, offset: 1, beforeSeq: 8 })).rows)).toEqual([5, 6]);
    expect(seqs((await page({ limit: 3, offset: 10 })).rows)).toEqual([]);
    expect(seqs((await page({ limit: 3, offset: 0, beforeSeq: 1 })).rows)).toEqual([]);
  });
});

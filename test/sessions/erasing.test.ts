/** Deleting sessions by hand and by age, over the real store; only the engine is a stand-in. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Erasing, createErasing } from '../../src/sessions/erasing.js';
import { openConversation } from '../../src/storage/conversations.js';
import { endInbound } from '../../src/storage/inbound.js';
import { createMediaStore } from '../../src/storage/media.js';
import type { Db } from '../../src/storage/sqlite.js';
import { appendRows } from '../../src/storage/transcript.js';
import { SESSION, accept, answerContent, makeFolder, openSession, rowOf, userRow } from '../storage/store.js';
import { type House, makeHouse } from './house.js';

const DAY = 24 * 3_600_000;
const NOW = Date.now();

interface Erased extends House {
  readonly erasing: Erasing;
  readonly forgotten: string[];
  readonly media: ReturnType<typeof createMediaStore>;
  days: number;
  now: number;
}

async function open(): Promise<Erased> {
  const house = await makeHouse();
  const forgotten: string[] = [];
  const media = createMediaStore(house.db, join(makeFolder(), 'media'));
  const all: Erased = { ...house, forgotten, media, days: 30, now: NOW, erasing: undefined as never };
  const erasing = createErasing({ db: house.db, engine: house.engine, log: house.log, media, retentionDays: () => all.days, now: () => all.now, forgetCommands: async (calls) => void forgotten.push(...calls) });
  return Object.assign(all, { erasing });
}

/** Rows of a conversation, said `daysAgo`. */
async function said(db: Db, session: string, conversation: string, from: number, to: number, daysAgo: number): Promise<void> {
  const fence = await openSession(db, session, `chain of ${session}`);
  await db.transaction().execute(async (tx) => {
    await openConversation(tx, session, conversation);
    await appendRows(tx, { ...fence, conversation }, Array.from({ length: to - from + 1 }, (_, i) => userRow(from + i, { run: `run of ${session}` })));
    await tx.updateTable('transcript').set({ created_at: NOW - daysAgo * DAY }).where('session', '=', session).where('conversation', '=', conversation).execute();
    await tx.updateTable('sessions').set({ updated_at: NOW - daysAgo * DAY }).where('key', '=', session).execute();
  });
}
const seqs = async (db: Db, session: string): Promise<number[]> => (await db.selectFrom('transcript').select('seq').where('session', '=', session).orderBy('seq').execute()).map(({ seq }) => Number(seq));
const isListed = async (db: Db, session: string): Promise<boolean> => (await db.selectFrom('sessions').select('key').where('key', '=', session).where('deleted_at', 'is', null).executeTakeFirst()) !== undefined;

describe('a session', () => {
  it('is deleted, its workflow ended, and what came meanwhile is signalled to the next one', async () => {
    const h = await open();
    await said(h.db, SESSION, 'one', 1, 450, 0);
    h.engine.running.add(SESSION);
    // While the workflow is being ended.
    const { terminate } = h.engine;
    h.engine.terminate = async (session, reason) => {
      await h.send('new', 'hello again');
      return terminate(session, reason);
    };
    const fence = await openSession(h.db, SESSION, `chain of ${SESSION}`);
    await h.db.transaction().execute((tx) => appendRows(tx, fence, [{ seq: 451, run: 'abc', step: 2, kind: 'assistant', content: answerContent('', { calls: [{ index: 1, callId: '', tool: 'exec', args: {} }] }) }]));
    expect(await h.erasing.remove('main', 'owner')).toEqual({ session: SESSION, conversations: 1, rows: 451, files: 0 });
    // What its commands left on disk goes too.
    expect(h.forgotten).toEqual(['abc:2.1']);
    expect(h.engine.terminated).toEqual([{ session: SESSION, reason: 'openclaw: deleted by owner' }]);
    expect(await seqs(h.db, SESSION)).toEqual([]);
    expect(await isListed(h.db, SESSION)).toBe(true);
    expect((await rowOf(h.db, h.engine.delivered[0]!.item.inboundId)).message.text).toBe('hello again');
  });

  it('that is at work is left as it is, and it is said what is open and what to do', async () => {
    const h = await open();
    await said(h.db, SESSION, 'one', 1, 2, 0);
    await h.send('busy', 'work');
    h.engine.running.add(SESSION);
    await expect(h.erasing.remove(SESSION, 'owner')).rejects.toMatchObject({
      code: 'INVALID_REQUEST', message: `session ${SESSION} is not at rest: open are run busy`, hint: 'Wait for it, or stop it: openclaw runs abort busy', details: { code: 'SESSION_BUSY', runs: ['busy'] },
    });
    expect(h.engine.terminated).toEqual([]);
    expect(await seqs(h.db, SESSION)).toEqual([1, 2]);
  });

  it('that is not known, or was deleted, is said to be unknown', async () => {
    const h = await open();
    await said(h.db, SESSION, 'one', 1, 1, 0);
    await h.erasing.remove(SESSION, 'owner');
    for (const key of [SESSION, 'none']) await expect(h.erasing.remove(key, 'owner')).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('sessions list') });
  });

  it('is deleted while the engine is away: its old chains cannot write, and its rows are gone', async () => {
    const h = await open();
    await said(h.db, SESSION, 'one', 1, 3, 0);
    h.engine.away = new Error('gone');
    expect(await h.erasing.remove(SESSION, 'owner')).toMatchObject({ rows: 3 });
    expect(await seqs(h.db, SESSION)).toEqual([]);
    expect(h.lines).toContainEqual(expect.objectContaining({ level: 'warn' }));
  });
});

describe('a round of a day', () => {
  it('deletes conversations without activity for that long, sessions with nothing left, and nothing younger', async () => {
    const h = await open();
    await said(h.db, 'agent:main:old', 'only', 1, 5, 31);
    await said(h.db, 'agent:main:both', 'first', 1, 5, 40);
    await said(h.db, 'agent:main:both', 'second', 6, 8, 2);
    await said(h.db, 'agent:main:young', 'only', 1, 5, 29);
    await openSession(h.db, 'agent:main:empty');
    await h.db.updateTable('sessions').set({ updated_at: NOW - 31 * DAY }).where('key', '=', 'agent:main:empty').execute();
    h.engine.running.add('agent:main:old');
    await h.erasing.sweep();
    expect(await seqs(h.db, 'agent:main:old')).toEqual([]);
    expect(await seqs(h.db, 'agent:main:both')).toEqual([6, 7, 8]);
    expect(await seqs(h.db, 'agent:main:young')).toEqual([1, 2, 3, 4, 5]);
    expect(await Promise.all(['old', 'both', 'young', 'empty'].map((name) => isListed(h.db, `agent:main:${name}`)))).toEqual([false, true, true, false]);
    expect(h.engine.terminated).toEqual([{ session: 'agent:main:old', reason: 'openclaw: its time is over' }]);
  });

  it('leaves sessions alone in which something is open', async () => {
    const h = await open();
    await said(h.db, SESSION, 'only', 1, 5, 400);
    await accept(h.db, 'open', { message_key: 'open', state: 'taken' });
    await h.erasing.sweep();
    expect(await seqs(h.db, SESSION)).toEqual([1, 2, 3, 4, 5]);
    await h.db.transaction().execute((tx) => endInbound(tx, 'open', { state: 'ok' }));
    await h.db.updateTable('sessions').set({ updated_at: NOW - 400 * DAY }).execute();
    // Looked at again the next day.
    await h.erasing.sweep();
    expect(await seqs(h.db, SESSION)).toEqual([1, 2, 3, 4, 5]);
    h.now += DAY;
    await h.erasing.sweep();
    expect(await seqs(h.db, SESSION)).toEqual([]);
  });

  it('is off at 0 days, and still finishes what was ordered', async () => {
    const h = await open();
    h.days = 0;
    await said(h.db, SESSION, 'only', 1, 5, 400);
    await said(h.db, 'agent:main:work', 'only', 1, 5, 400);
    await h.db.updateTable('sessions').set({ floor: 5, erase_before: NOW, deleted_at: NOW }).where('key', '=', 'agent:main:work').execute();
    await h.erasing.sweep();
    expect([await seqs(h.db, SESSION), await seqs(h.db, 'agent:main:work')]).toEqual([[1, 2, 3, 4, 5], []]);
  });

  it('does a bounded part at each sweep, until all is done', async () => {
    const h = await open();
    await said(h.db, SESSION, 'only', 1, 6_000, 400);
    await h.erasing.sweep();
    const left = (await seqs(h.db, SESSION)).length;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(6_000);
    await h.erasing.sweep();
    expect(await seqs(h.db, SESSION)).toEqual([]);
  });

  it('takes along files that no message ever named after two days, also where everything else is kept', async () => {
    const h = await open();
    h.days = 0;
    const [old, young] = [await h.media.put(Buffer.from('old')), await h.media.put(Buffer.from('young'))];
    await h.db.updateTable('media').set({ created_at: NOW - 3 * DAY }).where('hash', '=', old.hash).execute();
    await h.erasing.sweep();
    expect([existsSync(h.media.path(old)), existsSync(h.media.path(young))]).toEqual([false, true]);
    expect(await h.db.selectFrom('media').select('hash').execute()).toEqual([{ hash: young.hash }]);
  });
});

/** Erasing sessions and conversations: what goes, what stays, and what keeps them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Attachment } from '../../src/core/message.js';
import type { MediaStore } from '../../src/core/ports.js';
import type { Fence } from '../../src/core/steps.js';
import { approvalId, putApproval } from '../../src/storage/approvals.js';
import { beginClaim } from '../../src/storage/claims.js';
import { openConversation } from '../../src/storage/conversations.js';
import { endDelivery, enqueueDelivery } from '../../src/storage/deliveries.js';
import { freezeParts } from '../../src/storage/delivery-parts.js';
import { saveDraft } from '../../src/storage/drafts.js';
import { eraseBatch, openWork, orderDeletion, orderErasure, unfinishedErasures } from '../../src/storage/erase.js';
import { ensureSession, isFencedOut, takeGeneration } from '../../src/storage/fence.js';
import { endInbound } from '../../src/storage/inbound.js';
import { createMediaStore } from '../../src/storage/media.js';
import { overhear } from '../../src/storage/overheard.js';
import { noteRoute } from '../../src/storage/routes.js';
import { createRunReader } from '../../src/storage/runs.js';
import { searchTranscript } from '../../src/storage/search.js';
import { setSessionSettings } from '../../src/storage/session-settings.js';
import { type Db, openStore } from '../../src/storage/sqlite.js';
import { saveTranscript } from '../../src/storage/transcripts.js';
import { appendRows, highestSeq } from '../../src/storage/transcript.js';
import { SESSION, accept, answerContent, makeStore, messageOf, openSession, rowOf, userRow } from './store.js';

const TO = { channel: 'telegram', account: 'default', conversation: { kind: 'direct' as const, id: '42' } };
const SECRET = 'xyzzy';

interface Flat {
  readonly db: Db;
  readonly media: MediaStore;
  readonly file: string;
  put(text: string): Promise<Attachment>;
  /** A run with everything a run leaves behind, ended. */
  run(fence: Fence, id: string, seq: number, attachments?: readonly Attachment[]): Promise<void>;
  erase(session?: string): Promise<number>;
}

async function open(): Promise<Flat> {
  const { db, folder, file } = await makeStore();
  const media = createMediaStore(db, join(folder, 'media'));
  const flat: Flat = {
    db, media, file,
    async put(text) {
      return { kind: 'document', name: `${text}.txt`, media: { hash: (await media.put(Buffer.from(`content of ${text}`))).hash } };
    },
    async run(fence, id, seq, attachments = []) {
      const at = { session: fence.session, run: `run-${id}` };
      await accept(db, id, {
        message_key: id, run: at.run, session: fence.session, accepted_at: Date.now(), request: JSON.stringify({ extraSystemPrompt: SECRET }),
        message: JSON.stringify(messageOf(`${SECRET} question ${id}`, { messageId: id, attachments, sender: { id: '42', name: SECRET } })),
      });
      const call = { index: 0, callId: 'c', tool: 'exec', args: { command: `echo ${SECRET}` } };
      await db.transaction().execute(async (tx) => {
        await appendRows(tx, fence, [
          { seq, run: at.run, step: 0, kind: 'user', content: { type: 'user', text: `${SECRET} question ${id}`, sender: { id: '42' }, attachments } },
          { seq: seq + 1, run: at.run, step: 1, kind: 'assistant', content: answerContent(`${SECRET} answer ${id}`, { calls: [call] }) },
          { seq: seq + 2, run: at.run, step: 1, kind: 'tool.0', content: { type: 'tool', index: 0, tool: 'exec', callId: 'c', isError: false, blocks: [{ type: 'text', text: `${SECRET} output` }] } },
        ]);
        const asked = { tool: 'exec', command: `echo ${SECRET}` };
        await putApproval(tx, { id: approvalId(`${at.run}:1.0`), agent: 'main', request: asked, call: { ...at, runId: id, step: 1, index: 0, callSeq: seq + 1 } });
        await tx.updateTable('approvals').set({ state: 'denied', settled_at: Date.now() }).where('run', '=', at.run).execute();
        await tx.insertInto('usage').values({ id: `u-${id}`, ...at, step: 1, attempt: 1, provider: 'fake', model: 'one', input: 10, output: 5, cache_read: 0, cache_write: 0, cost_usd: 0.5, outcome: 'ok', started_at: Date.now(), ended_at: Date.now() }).execute();
        await enqueueDelivery(tx, { id: `reply-${id}`, to: TO, kind: 'reply', source: { type: 'text', markdown: SECRET }, ...at, attachments });
        await freezeParts(tx, `reply-${id}`, [{ text: SECRET, plain: SECRET, format: 'plain', attachments }]);
        await endDelivery(tx, `reply-${id}`, 'sent');
        await endInbound(tx, id, { state: 'ok', outcome: { state: 'ok', seq: seq + 1 } });
      });
      await saveDraft(db, fence, { run: at.run, step: 1, text: SECRET });
      await beginClaim(db, fence, `${at.run}:1.0`, { token: 't', facts: { path: SECRET }, signal: new AbortController().signal, isMine: () => true });
    },
    async erase(session = SESSION) {
      let batches = 0;
      while (await eraseBatch(db, media, session)) batches += 1;
      return batches;
    },
  };
  return flat;
}

const deletion = (db: Db, session = SESSION) => db.transaction().execute((tx) => orderDeletion(tx, session));
const count = async (db: Db, table: 'transcript' | 'drafts' | 'claims' | 'approvals' | 'delivery_parts' | 'search_rows' | 'media' | 'media_uses' | 'transcripts' | 'overheard' | 'routes' | 'session_settings' | 'usage' | 'inbound'): Promise<number> =>
  Number((await db.selectFrom(table).select((e) => e.fn.countAll().as('n')).executeTakeFirstOrThrow()).n);

describe('a deleted session', () => {
  it('leaves no word behind in any table, and its numbers', async () => {
    const flat = await open();
    const { db, media } = flat;
    const fence = await openSession(db);
    const file = await flat.put('secret');
    await saveTranscript(db, { hash: file.media!.hash, text: SECRET, provider: 'p', model: 'm' });
    await flat.run(fence, 'a', 1, [file]);
    await flat.run(fence, 'b', 4);
    // Left out by a full queue: it has no rows.
    await accept(db, 'dropped', { message_key: 'dropped', message: JSON.stringify(messageOf(SECRET)), accepted_at: Date.now() });
    await db.transaction().execute(async (tx) => {
      await endInbound(tx, 'dropped', { state: 'dropped', reason: 'queue full' });
      await enqueueDelivery(tx, { id: 'command-x', to: TO, kind: 'command', source: { type: 'text', markdown: SECRET }, session: SESSION });
      await endDelivery(tx, 'command-x', 'failed', 'blocked');
      await setSessionSettings(tx, SESSION, { model: 'fake/two' });
      await overhear(tx, { id: 'o', session: SESSION, sender: { id: '1' }, text: SECRET, at: 1 }, 50);
      await tx.updateTable('sessions').set({ label: SECRET }).execute();
    });
    await noteRoute(db, SESSION, TO);

    expect(await deletion(db)).toEqual({ ordered: true });
    await flat.erase();
    const left: string[] = [];
    for (const { name } of await db.introspection.getTables()) {
      if (name.startsWith('search_index')) continue;
      const rows = await db.selectFrom(name as 'meta').selectAll().execute();
      if (JSON.stringify(rows).includes(SECRET)) left.push(name);
    }
    expect(left).toEqual([]);
    expect((await searchTranscript(db, { text: SECRET, limit: 9 })).hits).toEqual([]);
    // The index keeps two rows about itself.
    expect((await sql`select id from search_index_data`.execute(db)).rows).toHaveLength(2);
    for (const table of ['transcript', 'drafts', 'claims', 'approvals', 'delivery_parts', 'search_rows', 'media', 'media_uses', 'transcripts', 'overheard', 'routes', 'session_settings'] as const) expect([table, await count(db, table)]).toEqual([table, 0]);
    expect(existsSync(media.path(file.media!))).toBe(false);
    expect([await count(db, 'usage'), await count(db, 'inbound')]).toEqual([2, 3]);
    expect(await rowOf(db, 'a')).toMatchObject({ state: 'ok', runId: 'a', message: { text: '', attachments: [], messageId: 'a' } });
    // A failed delivery that is gone asks for nothing.
    expect(await db.selectFrom('notices').select('key').where('resolved_at', 'is', null).execute()).toEqual([]);
    expect(await unfinishedErasures(db)).toEqual([]);
  });

  it('is not listed, fences its old chains out, and begins anew with the next message, above every seq it had', async () => {
    const flat = await open();
    const { db } = flat;
    const old = await openSession(db);
    await flat.run(old, 'a', 1);
    await deletion(db);
    const reader = createRunReader(db);
    expect((await reader.listSessions({ limit: 10 })).total).toBe(0);
    // Before the batches and after them.
    const zombie = () => db.transaction().execute((tx) => appendRows(tx, old, [userRow(9)]));
    await expect(zombie()).rejects.toSatisfy(isFencedOut);
    await flat.erase();
    await expect(zombie()).rejects.toSatisfy(isFencedOut);
    expect(await highestSeq(db, SESSION)).toBe(3);

    const next = await openSession(db, SESSION, 'chain-2');
    expect(next.generation).toBeGreaterThan(old.generation);
    expect(next.conversation).not.toBe(old.conversation);
    await expect(db.transaction().execute((tx) => takeGeneration(tx, SESSION, 'chain-1'))).rejects.toSatisfy(isFencedOut);
    await db.transaction().execute((tx) => appendRows(tx, next, [userRow(4, { run: 'new' })]));
    await expect(zombie()).rejects.toSatisfy(isFencedOut);
    expect((await reader.listSessions({ limit: 10 })).sessions).toMatchObject([{ key: SESSION, conversation: next.conversation }]);
    expect((await reader.history(SESSION, { limit: 9 })).rows.map(({ seq }) => seq)).toEqual([4]);
    expect(await deletion(db, 'agent:main:none')).toEqual({ ordered: false });
  });

  it('that begins again before its batches are done keeps everything new', async () => {
    const flat = await open();
    const { db } = flat;
    await flat.run(await openSession(db), 'a', 1);
    await deletion(db);
    const next = await openSession(db, SESSION, 'chain-2');
    await flat.run(next, 'b', 4, [await flat.put('new')]);
    await flat.erase();
    expect((await createRunReader(db).history(SESSION, { limit: 9 })).rows.map(({ seq }) => seq)).toEqual([4, 5, 6]);
    expect((await rowOf(db, 'b')).message.text).toContain('question b');
    expect((await rowOf(db, 'a')).message.text).toBe('');
    expect((await searchTranscript(db, { text: SECRET, limit: 9 })).hits.map(({ seq }) => seq)).toEqual([5, 4]);
    expect([await count(db, 'media'), await count(db, 'drafts'), await count(db, 'claims')]).toEqual([1, 1, 1]);
  });

  it('is found again after a kill between two batches', async () => {
    const flat = await open();
    const { db } = flat;
    const fence = await openSession(db);
    await db.transaction().execute((tx) => appendRows(tx, fence, Array.from({ length: 450 }, (_, i) => userRow(i + 1))));
    await deletion(db);
    await eraseBatch(db, flat.media, SESSION);
    expect(await count(db, 'transcript')).toBe(250);
    const again = await openStore(flat.file);
    try {
      expect(await unfinishedErasures(again)).toEqual([SESSION]);
      while (await eraseBatch(again, flat.media, SESSION));
      expect([await count(again, 'transcript'), await count(again, 'search_rows')]).toEqual([0, 0]);
    } finally {
      await again.destroy();
    }
  });
});

describe('what is not at rest is not erased:', () => {
  it.each([
    ['a run', async (db: Db) => void (await accept(db, 'open', { message_key: 'open', state: 'signalled' })), { runs: ['open'], approvals: [], deliveries: [] }],
    ['a question', async (db: Db) => void (await db.transaction().execute((tx) => putApproval(tx, { id: 'ap-1', agent: 'main', request: { tool: 'exec', command: 'ls' }, call: { session: SESSION, run: 'r', runId: 'r', step: 1, index: 0, callSeq: 2 } }))), { runs: [], approvals: ['ap-1'], deliveries: [] }],
    ['a delivery that waits', async (db: Db) => void (await db.transaction().execute((tx) => enqueueDelivery(tx, { id: 'd-1', to: TO, kind: 'reply', source: { type: 'text', markdown: 'x' }, session: SESSION }))), { runs: [], approvals: [], deliveries: ['d-1'] }],
    ['a delivery that is held', async (db: Db) => {
      await db.transaction().execute(async (tx) => {
        await enqueueDelivery(tx, { id: 'd-1', to: TO, kind: 'reply', source: { type: 'text', markdown: 'x' }, session: SESSION });
        await endDelivery(tx, 'd-1', 'held');
      });
    }, { runs: [], approvals: [], deliveries: ['d-1'] }],
  ])('%s is open', async (_what, begin, open) => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await db.transaction().execute((tx) => appendRows(tx, fence, [userRow(1)]));
    await begin(db);
    expect(await openWork(db, SESSION)).toEqual(open);
    expect(await deletion(db)).toEqual({ ordered: false, open });
    expect(await db.transaction().execute((tx) => orderErasure(tx, SESSION, 1, 1))).toEqual({ ordered: false, open });
    expect(await unfinishedErasures(db)).toEqual([]);
    await db.transaction().execute((tx) => appendRows(tx, fence, [userRow(2)]));
  });
});

describe('an old conversation', () => {
  it('goes with its runs and files; what came after it stays, with what both name', async () => {
    const flat = await open();
    const { db, media } = flat;
    const first = await openSession(db);
    const [both, old] = [await flat.put('both'), await flat.put('old')];
    await flat.run(first, 'a', 1, [both, old]);
    await db.transaction().execute((tx) => openConversation(tx, SESSION, 'second'));
    const second = { ...first, conversation: 'second' };
    await flat.run(second, 'b', 4, [both]);
    const { created_at } = await db.selectFrom('transcript').select('created_at').where('seq', '=', 4).executeTakeFirstOrThrow();
    expect(await db.transaction().execute((tx) => orderErasure(tx, SESSION, 3, created_at + 60_000))).toEqual({ ordered: true });
    await flat.erase();
    expect((await db.selectFrom('transcript').select('seq').orderBy('seq').execute()).map(({ seq }) => seq)).toEqual([4, 5, 6]);
    expect([existsSync(media.path(both.media!)), existsSync(media.path(old.media!))]).toEqual([true, false]);
    expect((await rowOf(db, 'a')).message.text).toBe('');
    expect((await rowOf(db, 'b')).message).toMatchObject({ text: `${SECRET} question b`, attachments: [both] });
    expect(await db.selectFrom('deliveries').select(['id', 'source']).orderBy('id').execute()).toEqual([{ id: 'reply-a', source: '{"type":"text","markdown":""}' }, { id: 'reply-b', source: `{"type":"text","markdown":"${SECRET}"}` }]);
    expect([await count(db, 'drafts'), await count(db, 'claims'), await count(db, 'approvals')]).toEqual([1, 1, 1]);
    // The same order again has nothing to do, and its session goes on.
    expect(await db.transaction().execute((tx) => orderErasure(tx, SESSION, 3, 1))).toEqual({ ordered: false });
    await db.transaction().execute((tx) => appendRows(tx, second, [userRow(7)]));
  });
});

describe('a content', () => {
  it('that another session names stays; the last one takes it along', async () => {
    const flat = await open();
    const { db, media } = flat;
    const file = await flat.put('shared');
    await flat.run(await openSession(db), 'a', 1, [file]);
    await flat.run(await openSession(db, 'agent:main:work', 'chain-w'), 'b', 1, [file]);
    await deletion(db);
    await flat.erase();
    expect(readFileSync(media.path(file.media!), 'utf8')).toBe('content of shared');
    await deletion(db, 'agent:main:work');
    await flat.erase('agent:main:work');
    expect(existsSync(media.path(file.media!))).toBe(false);
  });

  it('that somebody has just put for a message that is still to come is kept for it', async () => {
    const flat = await open();
    const { db, media } = flat;
    const file = await flat.put('again');
    await flat.run(await openSession(db), 'a', 1, [file]);
    // As a clock with a coarse tick would have it: later than every use.
    await media.put(Buffer.from('content of again'));
    const { used_at } = await db.selectFrom('media').select('used_at').executeTakeFirstOrThrow();
    await db.updateTable('media').set({ created_at: Number(used_at) + 1 }).execute();
    await deletion(db);
    await flat.erase();
    expect(existsSync(media.path(file.media!))).toBe(true);
    await db.transaction().execute((tx) => ensureSession(tx, { key: SESSION, agent: 'main', channel: 'rpc' }));
    await flat.run(await openSession(db, SESSION, 'chain-2'), 'b', 4, [file]);
    await deletion(db);
    await flat.erase();
    expect(existsSync(media.path(file.media!))).toBe(false);
  });
});

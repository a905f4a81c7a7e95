/** Sessions on the wire, over the real store and the real door; the session's workflow is played by the test. */
import { SessionsDeleteResultSchema, SessionsSearchResultSchema } from '@openclaw/gateway-protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBus } from '../../src/bus/bus.js';
import type { RunEvents } from '../../src/core/ports.js';
import { validator } from '../../src/gateway/validate.js';
import { createSessionControl } from '../../src/sessions/control.js';
import { createErasing } from '../../src/sessions/erasing.js';
import { createDoor } from '../../src/sessions/intake.js';
import { createKeeping } from '../../src/sessions/keeping.js';
import { QUEUE_DEFAULTS } from '../../src/sessions/queueing.js';
import { putAlias } from '../../src/storage/aliases.js';
import { openConversation } from '../../src/storage/conversations.js';
import { ensureSession } from '../../src/storage/fence.js';
import { endInbound, inboundOfPrincipal, markTaken } from '../../src/storage/inbound.js';
import { noteRoute } from '../../src/storage/routes.js';
import { createRunReader } from '../../src/storage/runs.js';
import { sessionSettings } from '../../src/storage/session-settings.js';
import type { Db } from '../../src/storage/sqlite.js';
import { appendRows, highestSeq } from '../../src/storage/transcript.js';
import { type FakeEngine, fakeEngine } from '../sessions/house.js';
import { SESSION, answerContent, makeStore, openSession } from '../storage/store.js';
import { connected, type Raw, startWorld, type World } from './fakes.js';

let world: World;
let raw: Raw;
let db: Db;
let engine: FakeEngine;

beforeEach(async () => {
  ({ db } = await makeStore());
  engine = fakeEngine();
  const events: RunEvents = createBus();
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const deps = { db, engine, events, log };
  world = await startWorld({
    events,
    deps: {
      rows: createRunReader(db), door: createDoor(deps), sessions: createSessionControl(deps), keeping: createKeeping({ db, engine, queue: () => QUEUE_DEFAULTS }),
      erasing: createErasing({ ...deps, media: { path: () => '/nowhere' }, retentionDays: () => 0, forgetCommands: async () => undefined }),
    },
  });
  raw = await connected(world.port);
});
afterEach(() => world.close());

/** A message and its answer, as a finished turn leaves them. */
async function turn(runId: string, question: string, answer: string, session = SESSION): Promise<void> {
  await raw.payload('chat.send', { sessionKey: session, message: question, idempotencyKey: runId });
  const row = (await inboundOfPrincipal(db, 'owner', runId))!;
  const fence = await openSession(db, session, `chain of ${session}`);
  await db.transaction().execute(async (tx) => {
    const seq = (await highestSeq(tx, session)) + 1;
    await appendRows(tx, fence, [
      { seq, run: row.run, step: 0, kind: 'user', content: { type: 'user', text: question, sender: { id: 'owner' }, attachments: [{ kind: 'document', name: 'plan.pdf', mime: 'application/pdf', size: 9, media: { hash: 'a'.repeat(64) } }] } },
      { seq: seq + 1, run: row.run, step: 1, kind: 'assistant', content: answerContent(answer, { reasoning: { text: 'hm', provider: 'secret blob' } as never }) },
    ]);
    await endInbound(tx, row.inboundId, { state: 'ok', outcome: { state: 'ok', seq: seq + 1 } });
    await tx.insertInto('usage').values({ id: runId, session, run: row.run, step: 1, attempt: 1, provider: 'fake', model: 'one', input: 10, output: 5, cache_read: 0, cache_write: 0, cost_usd: 0.25, outcome: 'ok', started_at: Date.now(), ended_at: Date.now() }).execute();
  });
}

/** What the session's workflow does with a reset that is delivered: ends what runs, begins the conversation. */
function carryOutResets(): void {
  engine.onDeliver = async (item) => {
    if (item.rules?.reset !== true) return;
    await db.transaction().execute(async (tx) => {
      for (const { id, state } of await tx.selectFrom('inbound').select(['id', 'state']).where('state', 'in', ['signalled', 'taken']).where('id', '!=', item.inboundId).execute()) {
        if (state === 'taken') await endInbound(tx, id, { state: 'aborted', outcome: { state: 'aborted', code: 'reset', by: item.run } });
        else await endInbound(tx, id, { state: 'dropped', reason: 'reset' });
      }
      await openConversation(tx, SESSION, `reset-${item.inboundId}`);
      await endInbound(tx, item.inboundId, { state: 'ok' });
    });
  };
}

describe('sessions.get', () => {
  it('tells what a session does now, what waits, how it is set, its conversations, people and cost', async () => {
    await turn('r-1', 'hello', 'hi');
    await db.transaction().execute(async (tx) => {
      await ensureSession(tx, { key: 'agent:main:direct:ann', agent: 'main', channel: 'telegram' });
      await putAlias(tx, { session: 'agent:main:direct:ann', primary: SESSION, contact: 'ann' });
    });
    await noteRoute(db, SESSION, { channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: '42' } });
    await raw.payload('sessions.patch', { key: 'main', thinkingLevel: 'high', label: 'Mine' });
    await raw.payload('chat.send', { sessionKey: 'main', message: 'at work', idempotencyKey: 'r-2' });
    const row = (await inboundOfPrincipal(db, 'owner', 'r-2'))!;
    await db.transaction().execute((tx) => markTaken(tx, row.inboundId));
    await raw.payload('chat.send', { sessionKey: 'main', message: 'next', idempotencyKey: 'r-3' });
    engine.views.set(SESSION, { session: SESSION, state: 'running', generation: 1, nextSeq: 3, waiting: [], turn: { run: row.run, step: 4, tools: ['exec'] } });

    const { session } = await raw.payload('sessions.get', { key: 'main' });
    expect(session).toMatchObject({
      key: SESSION, label: 'Mine', kind: 'direct', state: 'running', turn: { step: 4, tools: ['exec'] }, running: [{ runId: 'r-2', preview: 'at work' }], waiting: [{ runId: 'r-3', preview: 'next', principal: 'owner' }],
      settings: { thinking: 'high' }, modelSet: 'offline/echo', queue: { mode: 'steer', cap: 20 }, conversations: [{ rows: 2, current: true }], heardLast: { channel: 'telegram', conversation: { id: '42' } },
      linkedFrom: [{ session: 'agent:main:direct:ann', state: 'draining' }], usage: { totalTokens: 15, cost: { total: 0.25 } }, webUrl: expect.stringContaining('agent%3Amain%3Amain'),
    });
    expect((await raw.payload('sessions.get', { key: 'agent:main:direct:ann' })).session).toMatchObject({ state: 'asleep', linkedTo: { session: SESSION, state: 'draining' } });
  });
});

describe('sessions.reset', () => {
  it('passes the door, is answered when it is done, and names what it ended', async () => {
    await turn('r-1', 'hello', 'hi');
    await raw.payload('chat.send', { sessionKey: 'main', message: 'at work', idempotencyKey: 'r-2' });
    const running = (await inboundOfPrincipal(db, 'owner', 'r-2'))!;
    await db.transaction().execute((tx) => markTaken(tx, running.inboundId));
    await raw.payload('chat.send', { sessionKey: 'main', message: 'waits', idempotencyKey: 'r-3' });
    carryOutResets();
    const before = await raw.payload('sessions.describe', { key: 'main' });
    const done = await raw.payload('sessions.reset', { key: 'main', reason: 'new' });
    expect(done).toMatchObject({ ok: true, key: SESSION, ended: ['r-3', 'r-2'], cancelled: [] });
    expect(done.entry.sessionId).not.toBe(before.session.sessionId);
    expect(engine.delivered.at(-1)!.item.rules).toMatchObject({ reset: true });
  });
});

describe('/new, /reset and /stop', () => {
  it.each([
    ['chat.send', '/new', ''], ['chat.send', '/reset look here', 'look here'], ['chat.send', ' /NEW  two words ', 'two words'], ['agent', '/new hello', 'hello'],
  ])('%s of %j is a reset with %j as its first words', async (method, message, words) => {
    await raw.payload(method, { sessionKey: 'main', message, idempotencyKey: 'k' });
    const row = (await inboundOfPrincipal(db, 'owner', 'k'))!;
    expect([row.rules?.reset, row.message.text]).toEqual([true, words]);
  });

  it.each(['/news', 'say /new', '/newest thing', '/status', '/think high', '/stop the music', '//new'])('%j goes to the model as it is', async (message) => {
    await raw.payload('chat.send', { sessionKey: 'main', message, idempotencyKey: 'k' });
    const row = (await inboundOfPrincipal(db, 'owner', 'k'))!;
    expect([row.rules?.reset, row.message.text]).toEqual([undefined, message]);
    expect(engine.stops).toEqual([]);
  });

  it('a client that wants its text taken as it is, has it', async () => {
    await raw.payload('chat.send', { sessionKey: 'main', message: '/new', idempotencyKey: 'k', suppressCommandInterpretation: true });
    expect((await inboundOfPrincipal(db, 'owner', 'k'))!.message.text).toBe('/new');
  });

  it.each(['chat.send', 'agent'])('%s of /stop ends what runs, and is no message', async (method) => {
    expect(await raw.payload(method, { sessionKey: 'main', message: '/stop', idempotencyKey: 's-0' })).toMatchObject({ runId: 's-0', status: 'ok', aborted: false, runIds: [] });
    await raw.payload('chat.send', { sessionKey: 'main', message: 'work', idempotencyKey: 'r-1' });
    expect(await raw.payload(method, { sessionKey: 'main', message: '/stop', idempotencyKey: 's-1' })).toMatchObject({ runId: 's-1', status: 'ok', aborted: true, runIds: ['r-1'] });
    expect(engine.stops).toHaveLength(1);
    expect(await inboundOfPrincipal(db, 'owner', 's-1')).toBeUndefined();
  });
});

describe('sessions.delete', () => {
  it('deletes one at rest, in the peer’s shape; one at work stays, one that is not there is not deleted', async () => {
    const isResult = validator(SessionsDeleteResultSchema);
    await turn('r-1', 'hello', 'hi');
    const { session } = await raw.payload('sessions.describe', { key: 'main' });
    expect(await raw.error('sessions.delete', { key: 'main', expectedSessionId: 'another' })).toMatchObject({ code: 'INVALID_REQUEST', details: { code: 'SESSION_CHANGED', sessionId: session.sessionId } });
    const done = await raw.payload('sessions.delete', { key: 'main', deleteTranscript: true, expectedSessionId: session.sessionId });
    expect(isResult(done), JSON.stringify(isResult.errors)).toBe(true);
    expect(done).toMatchObject({ deleted: true });
    expect(await raw.payload('sessions.delete', { key: 'main' })).toEqual({ ok: true, key: SESSION, deleted: false, archived: [] });
    expect(await raw.payload('sessions.describe', { key: 'main' })).toEqual({ session: null });
    expect(await raw.payload('sessions.list', {})).toMatchObject({ totalCount: 0 });
    // The same message again is a repeat of what was answered, not a new one.
    expect(await raw.payload('chat.send', { sessionKey: 'main', message: 'hello', idempotencyKey: 'r-1' })).toMatchObject({ status: 'ok' });

    await raw.payload('chat.send', { sessionKey: 'main', message: 'work', idempotencyKey: 'r-2' });
    expect(await raw.error('sessions.delete', { key: 'main' })).toMatchObject({ code: 'INVALID_REQUEST', details: { code: 'SESSION_BUSY', runs: ['r-2'] } });
  });
});

describe('what is read', () => {
  it('previews are the last words; of what is not there, that', async () => {
    await turn('r-1', 'hello', 'a long answer that is cut');
    expect(await raw.payload('sessions.preview', { keys: ['main', 'none'], maxChars: 20 })).toMatchObject({
      previews: [{ key: SESSION, status: 'ok', items: [{ role: 'user', text: 'hello' }, { role: 'assistant', text: 'a long answer that …' }] }, { key: 'agent:main:none', status: 'missing', items: [] }],
    });
  });

  it('search answers in the peer’s shape, in the sessions that are asked for', async () => {
    const isResult = validator(SessionsSearchResultSchema);
    await turn('r-1', 'where is the key', 'under the mat');
    await turn('r-2', 'the other key', 'on the wall', 'agent:main:work');
    const all = await raw.payload('sessions.search', { query: 'key' });
    expect(isResult(all), JSON.stringify(isResult.errors)).toBe(true);
    expect(all.results.map((hit: { readonly sessionKey: string }) => hit.sessionKey)).toEqual(['agent:main:work', SESSION]);
    expect(await raw.payload('sessions.search', { query: 'mat', sessionKeys: ['main'], limit: 1 })).toMatchObject({ results: [{ sessionKey: SESSION, role: 'assistant', snippet: 'under the mat' }], truncated: false });
    expect(await raw.payload('sessions.search', { query: 'mat', sessionKeys: ['work'] })).toMatchObject({ results: [] });
  });

  it('an export has every row of every conversation, files by name, page by page', async () => {
    await turn('r-1', 'first', 'one');
    await db.transaction().execute((tx) => openConversation(tx, SESSION, 'second'));
    await turn('r-2', 'second', 'two');
    const one = await raw.payload('sessions.export', { key: 'main', limit: 3 });
    expect(one.nextAfter).toBe(3);
    const two = await raw.payload('sessions.export', { key: 'main', limit: 3, after: one.nextAfter });
    expect(two.nextAfter).toBeNull();
    const rows = [...one.rows, ...two.rows];
    expect(rows.map(({ seq, type, text }: { readonly seq: number; readonly type: string; readonly text: string }) => [seq, type, text])).toEqual([[1, 'user', 'first'], [2, 'assistant', 'one'], [3, 'user', 'second'], [4, 'assistant', 'two']]);
    expect(rows[0]).toMatchObject({ runId: 'r-1', attachments: [{ kind: 'document', name: 'plan.pdf', mime: 'application/pdf', size: 9 }] });
    expect(rows[1].reasoning).toBe('hm');
    expect(JSON.stringify(rows)).not.toMatch(/secret blob|aaaaaaaa/);
    expect(rows[2].conversation).toBe('second');
  });
});

describe('sessions.patch', () => {
  it('sets what a session has of its own, takes it back with null, and refuses models there are not', async () => {
    await turn('r-1', 'hello', 'hi');
    expect(await raw.payload('sessions.patch', { key: 'main', label: 'Mine', model: 'offline/echo', thinkingLevel: 'high', groupActivation: 'always' })).toMatchObject({ ok: true, key: SESSION, entry: { label: 'Mine', thinkingLevel: 'high' }, resolved: { modelProvider: 'offline', model: 'echo' } });
    expect(await sessionSettings(db, SESSION)).toEqual({ model: 'offline/echo', thinking: 'high', activation: 'always' });
    const { entry } = await raw.payload('sessions.patch', { key: 'main', label: null, model: null, thinkingLevel: null, groupActivation: null });
    expect(entry.label).toBeUndefined();
    expect(await sessionSettings(db, SESSION)).toEqual({});
    expect(await raw.error('sessions.patch', { key: 'main', model: 'none/such' })).toMatchObject({ message: 'sessions.patch: there is no model none/such; models.list has those there are' });
    expect(await raw.error('sessions.patch', { key: 'main', thinkingLevel: 'much' })).toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

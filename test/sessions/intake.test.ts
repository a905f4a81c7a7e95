/** The door: acceptance is one committed row, and the signal comes after it. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/core/names.js';
import { inboundById, inboundOfPrincipal, markTaken } from '../../src/storage/inbound.js';
import { rightsOf } from '../../src/storage/rights.js';
import type { Db } from '../../src/storage/sqlite.js';
import { SESSION, rowOf } from '../storage/store.js';
import { makeHouse, requestOf } from './house.js';

const REFUSED = { code: 'INVALID_REQUEST' };
const rows = async (db: Db): Promise<number> => (await db.selectFrom('inbound').select('id').execute()).length;

describe('an accepted message', () => {
  it('is a row before the engine hears of it, then a signal of ids and facts, then signalled', async () => {
    const { db, engine, send } = await makeHouse();
    const seen: string[] = [];
    engine.onDeliver = async (item) => {
      seen.push((await rowOf(db, item.inboundId)).state);
    };
    const answer = await send('run-1', 'my secret plan');
    expect(seen).toEqual(['accepted']);
    expect(answer).toEqual({ inboundId: expect.any(String), runId: 'run-1', run: expect.stringMatching(/^[0-9a-f]{32}$/), session: SESSION, acceptedAt: expect.any(Number), status: 'accepted' });
    expect(engine.delivered).toEqual([{
      to: { session: SESSION, agent: 'main', channel: 'rpc' },
      item: { inboundId: answer.inboundId, run: answer.run, principal: 'owner', role: 'owner', rights: expect.any(String), mode: 'steer', priority: 2, at: answer.acceptedAt,
        rules: { place: expect.stringMatching(/^[0-9a-f]{16}$/), inGroup: false, quietMs: 500, cap: 20, drop: 'summarize' },
      },
    }]);
    expect(JSON.stringify(engine.delivered)).not.toContain('secret');
    expect(await rowOf(db, answer.inboundId)).toMatchObject({ state: 'signalled', message: { text: 'my secret plan' } });
    expect(await rightsOf(db, engine.delivered[0]!.item.rights)).toEqual({ tools: '*' });
  });

  it('tells readers of the run at once', async () => {
    const { events, send } = await makeHouse();
    const { run } = await send('run-1', 'hello');
    await send('run-1', 'hello');
    expect(events).toEqual([{ type: 'accepted', session: SESSION, run, runId: 'run-1', step: 0, attempt: 1, at: expect.any(Number) }]);
  });

  it('is kept when the engine is away, and the door says accepted', async () => {
    const { db, engine, lines, send } = await makeHouse();
    engine.away = new Error('connection refused');
    const answer = await send('run-1', 'my secret plan');
    expect(answer.status).toBe('accepted');
    expect(await rowOf(db, answer.inboundId)).toMatchObject({ state: 'accepted' });
    expect(lines).toMatchObject([{ level: 'warn', fields: { inbound: answer.inboundId } }]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('puts owners before guests, with the mode it names', async () => {
    const { engine, send } = await makeHouse();
    await send('a', 'x', { role: 'guest', principal: 'ann' });
    await send('b', 'x', { turn: { mode: 'interrupt' } });
    const [guest, owner] = engine.delivered.map(({ item }) => item);
    expect([guest?.mode, owner?.mode]).toEqual(['steer', 'interrupt']);
    expect(owner!.priority).toBeLessThan(guest!.priority);
  });

  it('of a platform, without a client’s key, has a run id of its own message', async () => {
    const { db, send } = await makeHouse();
    const first = await send(undefined, 'hello', {}, { messageId: '7' });
    const again = await send(undefined, 'hello', {}, { messageId: '7', time: 99 });
    const other = await send(undefined, 'hello', {}, { messageId: '8' });
    const edit = await send(undefined, 'hello!', {}, { messageId: '7', event: { type: 'edit', version: '1' } });
    expect(again).toEqual({ ...first, status: 'repeat' });
    expect(new Set([first.run, other.run, edit.run]).size).toBe(3);
    expect(first.runId).toBe(first.inboundId);
    expect(await rows(db)).toBe(3);
  });

  it('belongs to the canonical session, however it was written', async () => {
    const { send } = await makeHouse();
    const conversation = { kind: 'direct', id: 'one' } as const;
    const first = await send('a', 'x', { session: 'Main' }, { conversation });
    expect(first.session).toBe(SESSION);
    expect(await send('a', 'x', { session: 'agent:main:main' }, { conversation })).toEqual({ ...first, status: 'repeat' });
  });
});

describe('a repeated key', () => {
  it('with the same message is the same run, and is not signalled twice', async () => {
    const { db, engine, send } = await makeHouse();
    const first = await send('run-1', 'hello');
    expect(await send('run-1', 'hello', {}, { time: 12_345 })).toEqual({ ...first, status: 'repeat' });
    expect(engine.delivered).toHaveLength(1);
    expect(await rows(db)).toBe(1);
  });

  it('of a row that was never signalled signals it', async () => {
    const { db, engine, send } = await makeHouse();
    engine.away = new Error('away');
    const first = await send('run-1', 'hello');
    engine.away = undefined;
    expect((await send('run-1', 'hello')).status).toBe('repeat');
    expect(engine.delivered.map(({ item }) => item.inboundId)).toEqual([first.inboundId]);
    expect((await rowOf(db, first.inboundId)).state).toBe('signalled');
  });

  it('of a row that is taken or ended signals nothing', async () => {
    const { db, engine, send } = await makeHouse();
    const first = await send('run-1', 'hello');
    await db.transaction().execute((tx) => markTaken(tx, first.inboundId));
    await send('run-1', 'hello');
    await db.updateTable('inbound').set({ state: 'ok' }).execute();
    expect((await send('run-1', 'hello')).status).toBe('repeat');
    expect(engine.delivered).toHaveLength(1);
  });

  it.each([
    ['another text', { text: 'other' }, {}],
    ['another attachment', {}, { attachments: [{ kind: 'image', media: { hash: 'b' } }] }],
    ['a reply to another message', {}, { replyTo: { messageId: '9' } }],
  ] as const)('with %s is refused and changes nothing', async (_, { text = 'hello' }: { readonly text?: string }, message) => {
    const { db, engine, send } = await makeHouse();
    const first = await send('run-1', 'hello', {}, { attachments: [{ kind: 'image', media: { hash: 'a' } }] });
    await expect(send('run-1', text, {}, { attachments: [{ kind: 'image', media: { hash: 'a' } }], ...message })).rejects.toMatchObject(REFUSED);
    expect(engine.delivered).toHaveLength(1);
    expect(await rows(db)).toBe(1);
    expect((await rowOf(db, first.inboundId)).message.text).toBe('hello');
  });

  it.each([{ model: 'fake/two' }, { mode: 'interrupt' }, { thinking: 'high' }, { timeoutMs: 5 }, { extraSystemPrompt: 'x' }] as const)('asking for another turn (%j) is refused', async (turn) => {
    const { send } = await makeHouse();
    await send('run-1', 'hello');
    await expect(send('run-1', 'hello', { turn })).rejects.toMatchObject(REFUSED);
  });

  it('in another session is refused and names the first, and makes no row', async () => {
    const { db, engine, send } = await makeHouse();
    await send('run-1', 'hello');
    await expect(send('run-1', 'hello', { session: 'agent:main:other' })).rejects.toMatchObject({ ...REFUSED, message: expect.stringContaining(SESSION) });
    expect(await rows(db)).toBe(1);
    expect(engine.delivered).toHaveLength(1);
  });

  it('of another principal with a message of his own is another run', async () => {
    const { db, send } = await makeHouse();
    const ann = await send('run-1', 'hello', { principal: 'ann' }, { messageId: 'ann-1' });
    const bob = await send('run-1', 'hello', { principal: 'bob' }, { messageId: 'bob-1' });
    expect(bob.status).toBe('accepted');
    expect(bob.run).not.toBe(ann.run);
    expect((await inboundOfPrincipal(db, 'bob', 'run-1'))?.inboundId).toBe(bob.inboundId);
  });
});

it('the same key through two doors at the same time is one row and one run', async () => {
  const { db, engine, door, newDoor } = await makeHouse();
  const second = newDoor();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? door : second).accept(requestOf('same', 'hello'))));
  expect(new Set(answers.map((a) => a.run)).size).toBe(1);
  expect(answers.map((a) => a.status).filter((status) => status === 'accepted')).toHaveLength(1);
  expect(await rows(db)).toBe(1);
  // Whoever was let in before the first signal arrived may signal too: the session drops what it knows.
  expect(new Set(engine.delivered.map(({ item }) => item.inboundId)).size).toBe(1);
});

it('different keys through two doors at the same time are all accepted', async () => {
  const { db, engine, door, newDoor } = await makeHouse();
  const second = newDoor();
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? door : second).accept(requestOf(`run-${i}`, 'hello'))));
  expect(await rows(db)).toBe(20);
  expect(new Set(engine.delivered.map(({ item }) => item.run)).size).toBe(20);
});

describe('refused before anything is written', () => {
  it.each([
    ['an empty message', 'a', '', {}, {}],
    ['a message of blanks', 'a', ' \n\t', {}, {}],
    ['a message over the limit', 'a', 'x'.repeat(LIMITS.messageChars + 1), {}, {}],
    ['a session key with a blank', 'a', 'x', { session: 'a b' }, {}],
    ['an empty key', '', 'x', {}, {}],
    ['a key over the limit', 'k'.repeat(LIMITS.idempotencyKey + 1), 'x', {}, {}],
    ['a key with a control character', 'a\u001b[2J', 'x', {}, {}],
    ['a key with half a surrogate pair', 'a\ud800', 'x', {}, {}],
  ] as const)('%s', async (_, runId, text, over, message) => {
    const { db, engine, events, send } = await makeHouse();
    await expect(send(runId, text, over, message)).rejects.toMatchObject(REFUSED);
    expect(await rows(db)).toBe(0);
    expect(await db.selectFrom('sessions').select('key').execute()).toEqual([]);
    expect([engine.delivered, events]).toEqual([[], []]);
  });

  it('but not a message of the longest text, nor one of attachments alone', async () => {
    const { db, send } = await makeHouse();
    const longest = await send('a', 'x'.repeat(LIMITS.messageChars));
    const picture = await send('b', '', {}, { attachments: [{ kind: 'image', media: { hash: 'h' } }] });
    expect((await inboundById(db, longest.inboundId))?.message.text).toHaveLength(LIMITS.messageChars);
    expect((await inboundById(db, picture.inboundId))?.message.attachments).toHaveLength(1);
  });
});

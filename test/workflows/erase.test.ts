/** Deleted sessions and aged conversations, with the real workflow beside them. */
import { expect, test } from 'vitest';
import { textResult } from '../../src/activities/tools/types.js';
import type { ModelRequest } from '../../src/core/model.js';
import { createErasing } from '../../src/sessions/erasing.js';
import { eraseBatch, orderDeletion, orderErasure } from '../../src/storage/erase.js';
import { openNotices } from '../../src/storage/notices.js';
import { callsTools, newestResults, says, scriptedModels, tool, toolset } from '../servers/scripted.js';
import { type House, useServer } from './harness.js';

const { session, open } = useServer('erase');

const said = (request: ModelRequest | undefined): string[] => (request?.messages ?? []).flatMap((m) => (m.role === 'user' ? m.blocks.flatMap((b) => (b.type === 'text' ? [b.text] : [])) : []));
const erasing = (h: House) => createErasing({ db: h.db, engine: h.engine, log: h.log, media: h.deps.media, retentionDays: () => 0, forgetCommands: async () => undefined });
const eraseAll = async (h: House, key: string): Promise<void> => {
  while (await eraseBatch(h.db, h.deps.media, key));
};
const generation = async (h: House, key: string): Promise<number> => Number((await h.db.selectFrom('sessions').select('generation').where('key', '=', key).executeTakeFirstOrThrow()).generation);

test('a session that is deleted has no workflow; its next message begins it anew, with a higher generation and nothing of what was said', async () => {
  const models = scriptedModels();
  models.on(/./, () => says('heard'));
  const h = await open({ models });
  const key = session();
  await h.send(key, 'one', 'remember: the word is xyzzy');
  await h.ended('one');
  const before = await generation(h, key);
  expect(await erasing(h).remove(key, 'owner')).toMatchObject({ rows: 2 });
  expect((await h.handle(key).describe()).status.name).toBe('TERMINATED');
  await h.send(key, 'two', 'what was the word?');
  expect(await h.ended('two')).toMatchObject({ state: 'ok' });
  expect(said(models.requests.at(-1))).toEqual(['what was the word?']);
  expect(await generation(h, key)).toBeGreaterThan(before + 1);
  expect((await h.rows(key)).map(({ seq, kind }) => `${seq} ${kind}`)).toEqual(['3 user', '4 assistant']);
});

test('a workflow that nobody ended is fenced out by the deletion: it writes nothing, and its message is answered by the next one', async () => {
  const models = scriptedModels();
  models.on(/./, () => says('heard'));
  const h = await open({ models });
  const key = session();
  await h.send(key, 'one', 'old words');
  await h.ended('one');
  expect(await h.db.transaction().execute((tx) => orderDeletion(tx, key))).toEqual({ ordered: true });
  await eraseAll(h, key);
  expect((await h.handle(key).describe()).status.name).toBe('RUNNING');
  await h.send(key, 'two', 'new words');
  await h.until('the old workflow ends', async () => (await h.handle(key).describe()).status.name !== 'RUNNING');
  await h.sweeper.sweep();
  expect(await h.ended('two')).toMatchObject({ state: 'ok' });
  expect(said(models.requests.at(-1))).toEqual(['new words']);
  // A zombie is no loss: nobody is told of one.
  expect((await openNotices(h.db)).filter(({ key: name }) => name.startsWith('store-behind'))).toEqual([]);
});

test('a session goes on undisturbed when its earlier conversations are erased beneath it, also in the middle of a turn', async () => {
  const models = scriptedModels();
  let begun: () => void = () => undefined;
  let release: () => void = () => undefined;
  const working = new Promise<void>((resolve) => (begun = resolve));
  const held = new Promise<void>((resolve) => (release = resolve));
  models.on(/./, () => says('heard'));
  models.on('long', (request) => (newestResults(request).length === 0 ? callsTools({ name: 'slow' }) : says(newestResults(request).join())));
  const tools = toolset(tool('slow', 'side-effecting', async () => (begun(), await held, textResult('slow done'))));
  const h = await open({ models, tools, maxCachedWorkflows: 0 });
  const key = session();
  await h.send(key, 'one', 'first conversation');
  await h.ended('one');
  await h.say(key, 'new', '', { reset: true });
  await h.ended('new');
  expect(await h.db.transaction().execute((tx) => orderErasure(tx, key, 2, Date.now()))).toEqual({ ordered: true });
  await h.send(key, 'two', 'long');
  await working;
  await eraseAll(h, key);
  release();
  expect(await h.ended('two')).toMatchObject({ state: 'ok', outcome: { text: 'slow done' } });
  await h.send(key, 'three', 'go on');
  expect(await h.ended('three')).toMatchObject({ state: 'ok' });
  const rows = await h.db.selectFrom('transcript').select('seq').where('session', '=', key).orderBy('seq').execute();
  expect(rows.map(({ seq }) => Number(seq))).toEqual([3, 4, 5, 6, 7, 8, 9]);
});

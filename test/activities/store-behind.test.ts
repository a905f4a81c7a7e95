/**
 * A store that lost its latest entries, one case a place where it shows: told apart from a zombie, said once, and after
 * it nothing of the old chain can write.
 */
import { expect, it } from 'vitest';
import { createBookkeeping } from '../../src/activities/bookkeeping.js';
import { assembleContext } from '../../src/core/context.js';
import { createBus } from '../../src/bus/bus.js';
import type { EndRunInput, Fence } from '../../src/core/steps.js';
import { openNotices } from '../../src/storage/notices.js';
import { createMediaStore } from '../../src/storage/media.js';
import type { Db } from '../../src/storage/sqlite.js';
import { appendRows, historyPage } from '../../src/storage/transcript.js';
import { scriptedModels, tool, toolset } from '../servers/scripted.js';
import { SESSION, accept, answerContent, makeStore } from '../storage/store.js';

const RUN = 'run of a';
const BEHIND = { type: 'StoreBehind', nonRetryable: true };
const FENCED = { type: 'FencedOut', nonRetryable: true };
const item = { inboundId: 'a', run: RUN } as const;

async function makeHouse() {
  const { db, folder } = await makeStore();
  const lines: string[] = [];
  const line = (_: object, message: string): void => void lines.push(message);
  const books = createBookkeeping({
    db, events: createBus(), media: createMediaStore(db, folder), log: { debug: line, info: line, warn: line, error: line }, hostId: 'host-a', draining: new AbortController().signal,
    models: () => scriptedModels(['fake/one']), tools: () => toolset(tool('exec', 'side-effecting', async () => ({ blocks: [], isError: false }))),
    settings: () => ({ maxSteps: 20, idleMs: 60_000, thinking: 'off' }), budgets: () => ({ limits: {}, timezone: 'UTC' }), systemPrompt: async () => '', endCommand: async () => false,
  });
  const open = async (chain: string): Promise<Fence & { readonly nextSeq: number }> => {
    const { generation, conversation, nextSeq } = await books.openSession({ session: SESSION, agent: 'main', chain });
    return { session: SESSION, generation, conversation, nextSeq };
  };
  return { db, books, lines, open };
}
type House = Awaited<ReturnType<typeof makeHouse>>;

const end = (fence: Fence, over: Partial<EndRunInput>): EndRunInput => ({ ...fence, ...item, step: 1, outcome: { state: 'aborted', seq: 9, code: 'stopped' }, ...over });
const cut = (db: Db, from: number): Promise<unknown> => db.deleteFrom('transcript').where('session', '=', SESSION).where('seq', '>=', from).execute();

/** What the workflow saw: the run taken, an answer with a call, its result. Then the store loses something. */
const LOSSES: readonly (readonly [string, (house: House, fence: Fence) => Promise<unknown>])[] = [
  ['a message that was signalled', async ({ db, books }, fence) => {
    await db.deleteFrom('inbound').execute();
    return books.takeRun({ ...fence, ...item, seq: 4 });
  }],
  ['rows before the next run', async ({ db, books }, fence) => {
    await cut(db, 3);
    return books.takeRun({ ...fence, ...item, seq: 4 });
  }],
  ['the answer of a call that gave up', async ({ db, books }, fence) => {
    await cut(db, 2);
    return books.answerCall({ ...fence, run: RUN, step: 1, index: 0, callSeq: 2, seq: 3, code: 'X', message: 'y' });
  }],
  ['the answer of a run that ends', async ({ db, books }, fence) => {
    await cut(db, 2);
    return books.finishRun(end(fence, { outcome: { state: 'ok', seq: 4 } }));
  }],
  ['the answer of a stopped batch', async ({ db, books }, fence) => {
    await cut(db, 2);
    return books.sealTurn(end(fence, { open: { callSeq: 2, calls: [{ index: 0, seq: 3 }], note: 'skipped' } }));
  }],
  ['that the run was taken', async ({ db, books }, fence) => {
    await db.updateTable('inbound').set({ state: 'signalled', taken_at: null }).execute();
    return books.finishRun(end(fence, {}));
  }],
  ['the generation', async ({ db, books }, fence) => {
    await db.updateTable('sessions').set({ generation: fence.generation - 1, chain: '' }).execute();
    return books.finishRun(end(fence, {}));
  }],
  ['the session', async ({ db, books }, fence) => {
    await db.deleteFrom('sessions').execute();
    return books.finishRun(end(fence, {}));
  }],
];

it.each(LOSSES)('lost: %s', async (_, lose) => {
  const house = await makeHouse();
  const { db, books, lines } = house;
  await accept(db, 'a');
  await house.open('one');
  const fence = await house.open('two');
  await books.takeRun({ ...fence, ...item, seq: 1 });
  await db.transaction().execute((tx) => appendRows(tx, fence, [
    { seq: 2, run: RUN, step: 1, kind: 'assistant', content: answerContent('', { calls: [{ index: 0, callId: 'c', tool: 'exec', args: {} }] }) },
    { seq: 3, run: RUN, step: 1, kind: 'tool.0', content: { type: 'tool', index: 0, tool: 'exec', callId: 'c', isError: false, blocks: [] } },
  ]));
  await expect(lose(house, fence)).rejects.toMatchObject(BEHIND);

  expect(await openNotices(db)).toMatchObject([{ key: `store-behind:${SESSION}`, level: 'error', times: 1 }]);
  expect(lines.filter((line) => line.includes('lost the latest entries'))).toHaveLength(1);
  // A retry of the same attempt is a zombie's now, and so is everything else of the old chain.
  await expect(books.finishRun(end(fence, {}))).rejects.toMatchObject(FENCED);
  const next = await house.open('three');
  expect(next.generation).toBeGreaterThan(fence.generation);
  await expect(books.finishRun(end({ ...fence, generation: fence.generation + 1 }, {}))).rejects.toMatchObject(FENCED);
});

it('the model of the session is told once, at the run that goes on, and not people alone', async () => {
  const house = await makeHouse();
  const { db, books } = house;
  await accept(db, 'a');
  const fence = await house.open('one');
  await books.takeRun({ ...fence, ...item, seq: 1 });
  await expect(books.answerCall({ ...fence, run: RUN, step: 1, index: 0, callSeq: 2, seq: 3, code: 'X', message: 'y' })).rejects.toMatchObject(BEHIND);

  const next = await house.open('two');
  const taken = await books.takeRun({ ...next, ...item, seq: next.nextSeq });
  expect(taken).toMatchObject({ status: 'taken', nextSeq: 4, turn: { step: 1, seq: 3 } });
  expect(await books.takeRun({ ...next, ...item, seq: next.nextSeq })).toEqual(taken);
  const { rows } = await historyPage(db, SESSION, next.conversation, { limit: 9, offset: 0 });
  expect(rows.map((row) => row.kind)).toEqual(['user', 'notice']);
  const { messages } = assembleContext(rows, { maxTokens: 10_000, images: false, speakers: false });
  expect(messages).toHaveLength(1);
  expect(JSON.stringify(messages)).toContain('lost its latest entries');
  expect(JSON.stringify(messages)).toContain('text of a');
});

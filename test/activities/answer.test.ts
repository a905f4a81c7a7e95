/** What a messenger hears when a run ends: its answer, or honestly why there is none; once. */
import { describe, expect, it } from 'vitest';
import { createBookkeeping } from '../../src/activities/bookkeeping.js';
import { createBus } from '../../src/bus/bus.js';
import type { ChannelLine } from '../../src/core/ports.js';
import type { EndRunInput, Fence } from '../../src/core/steps.js';
import { deliveryById, nextOfLine } from '../../src/storage/deliveries.js';
import { createMediaStore } from '../../src/storage/media.js';
import { createRunReader } from '../../src/storage/runs.js';
import { appendRows } from '../../src/storage/transcript.js';
import { scriptedModels, toolset } from '../servers/scripted.js';
import { SESSION, accept, answerContent, makeStore, messageOf } from '../storage/store.js';

const RUN = 'run of a';
const DIRECT = { channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: '42' } } as const;

async function open(message: Parameters<typeof messageOf>[1] = DIRECT, over: Parameters<typeof accept>[2] = {}) {
  const { db, folder } = await makeStore();
  const woken: ChannelLine[] = [];
  const quiet = (): void => undefined;
  const books = createBookkeeping({
    db, events: createBus(), media: createMediaStore(db, folder), log: { debug: quiet, info: quiet, warn: quiet, error: quiet }, hostId: 'host-a', draining: new AbortController().signal,
    models: () => scriptedModels(['fake/one']), tools: () => toolset(), settings: () => ({ maxSteps: 20, idleMs: 60_000, thinking: 'off' }), budgets: () => ({ limits: {}, timezone: 'UTC' }), systemPrompt: async () => '', endCommand: async () => false,
    deliveries: { wake: async (line) => void woken.push(line) },
  });
  await accept(db, 'a', { channel: message.channel ?? 'rpc', message: JSON.stringify(messageOf('hi', { messageId: '7', ...message })), ...over });
  const opened = await books.openSession({ session: SESSION, agent: 'main', chain: 'chain' });
  const fence: Fence = { session: SESSION, generation: opened.generation, conversation: opened.conversation };
  await books.takeRun({ ...fence, inboundId: 'a', run: RUN, seq: 1 });
  const end = (over: Pick<EndRunInput, 'outcome'> & Partial<EndRunInput>) => books.finishRun({ ...fence, inboundId: 'a', run: RUN, step: 1, ...over });
  return {
    db, woken, end,
    async answer(text: string): Promise<void> {
      await db.transaction().execute((tx) => appendRows(tx, fence, [{ seq: 2, run: RUN, step: 1, kind: 'assistant', content: answerContent(text) }]));
      await end({ outcome: { state: 'ok', seq: 2 } });
    },
    fail: (code: string, message: string) => end({ outcome: { state: 'error', seq: 2, code }, last: { kind: 'error', seq: 2, code, message } }),
    delivery: () => deliveryById(db, `reply-${RUN}`),
  };
}

const said = async (delivery: Promise<Awaited<ReturnType<typeof deliveryById>>>): Promise<string | undefined> => {
  const source = (await delivery)?.source;
  return source?.type === 'text' ? source.markdown : undefined;
};

describe('an answer', () => {
  it('is one delivery to where the message came from, by its row, woken after the commit', async () => {
    const { db, answer, end, delivery, woken } = await open();
    await answer('hello');
    expect(await delivery()).toMatchObject({ kind: 'reply', to: DIRECT, source: { type: 'row', session: SESSION, seq: 2 }, session: SESSION, run: RUN, state: 'queued' });
    expect(await delivery()).not.toHaveProperty('replyTo');
    // A repeated end writes none, and wakes again: the first attempt may have died before it did.
    await end({ outcome: { state: 'ok', seq: 2 } });
    const line = { channel: 'telegram', account: 'default', conversation: '42' };
    expect(woken).toEqual([line, line]);
    expect(await nextOfLine(db, line)).toMatchObject({ behind: 0 });
    expect(await createRunReader(db).run('a')).toMatchObject({ state: 'ok', delivery: { id: `reply-${RUN}`, channel: 'telegram', account: 'default', state: 'queued' } });
  });

  it('in a group answers the message; in a topic goes to the topic, in the line of its group', async () => {
    const group = await open({ ...DIRECT, conversation: { kind: 'group', id: '-5' } });
    await group.answer('hello');
    expect(await group.delivery()).toMatchObject({ replyTo: '7', to: { conversation: { kind: 'group', id: '-5' } } });
    const topic = await open({ ...DIRECT, conversation: { kind: 'thread', id: '9', parentId: '-5' } });
    await topic.answer('hello');
    expect(await topic.delivery()).toMatchObject({ replyTo: '7', to: { thread: '9', conversation: { kind: 'thread', id: '9', parentId: '-5' } } });
    expect(topic.woken).toEqual([{ channel: 'telegram', account: 'default', conversation: '-5' }]);
  });

  it('of a decision that came late replies to nothing: its message is not the platform\'s', async () => {
    const { answer, delivery } = await open({ ...DIRECT, conversation: { kind: 'group', id: '-5' } }, { request: JSON.stringify({ followOn: 'ap-1' }) });
    await answer('done');
    expect(await delivery()).not.toHaveProperty('replyTo');
  });

  it('of exactly NO_REPLY, and one to a caller over RPC, is not delivered', async () => {
    const silent = await open();
    await silent.answer(' NO_REPLY\n');
    expect(await silent.delivery()).toBeUndefined();
    const talks = await open();
    await talks.answer('NO_REPLY, he said');
    expect(await talks.delivery()).toBeDefined();
    const rpc = await open({});
    await rpc.answer('hello');
    expect(await rpc.delivery()).toBeUndefined();
    expect(rpc.woken).toEqual([]);
  });
});

describe('a run without an answer', () => {
  it('tells the owner what failed and what to do', async () => {
    const { fail, delivery } = await open();
    await fail('Auth', 'the provider refused the key');
    const text = await said(delivery());
    expect(text).toContain('the provider refused the key (Auth)');
    expect(text).toContain('openclaw models status');
    expect(text).toContain('openclaw runs show a');
  });

  it('tells anybody else that it failed, and nothing of the inside', async () => {
    const { fail, delivery } = await open(DIRECT, { role: 'guest', principal: 'contact:c1' });
    await fail('Auth', 'the provider refused the key');
    const text = await said(delivery());
    expect(text).toContain('(Auth)');
    expect(text).not.toContain('provider');
    expect(text).not.toContain('openclaw');
  });

  it('that used up its time says so; one that was stopped or replaced says nothing', async () => {
    const slow = await open();
    await slow.end({ outcome: { state: 'error', seq: 2, code: 'RunTimeout' }, last: { kind: 'aborted', seq: 2, reason: 'the run used up its time limit' } });
    expect(await said(slow.delivery())).toContain('the run used up its time limit (RunTimeout)');
    for (const code of ['stopped', 'interrupted']) {
      const stopped = await open();
      await stopped.end({ outcome: { state: 'aborted', seq: 2, code }, last: { kind: 'aborted', seq: 2, reason: code } });
      expect(await stopped.delivery()).toBeUndefined();
    }
  });

  it('is rolled back with its delivery when the end is fenced out', async () => {
    const { db, end, delivery } = await open();
    await db.updateTable('sessions').set({ generation: 99 }).execute();
    await expect(end({ outcome: { state: 'error', seq: 2, code: 'Internal' }, last: { kind: 'error', seq: 2, code: 'Internal', message: 'x' } })).rejects.toMatchObject({ type: 'FencedOut' });
    expect(await delivery()).toBeUndefined();
  });
});

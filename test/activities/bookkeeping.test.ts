/** Open, take, answer, seal, finish: each may be repeated at any time and leaves the same rows. */
import { describe, expect, it } from 'vitest';
import { type BookkeepingActivities, createBookkeeping } from '../../src/activities/bookkeeping.js';
import type { TurnSettings } from '../../src/activities/deps.js';
import { createBus } from '../../src/bus/bus.js';
import type { RunEvent } from '../../src/core/events.js';
import type { EndRunInput, Fence, OpenSessionResult } from '../../src/core/steps.js';
import type { RowContent, TranscriptRow } from '../../src/core/transcript.js';
import { saveDraft } from '../../src/storage/drafts.js';
import { createMediaStore } from '../../src/storage/media.js';
import type { Db } from '../../src/storage/sqlite.js';
import { type NewRow, appendRows, historyPage } from '../../src/storage/transcript.js';
import { scriptedModels, tool, toolset } from '../servers/scripted.js';
import { SESSION, accept, answerContent, makeStore, messageOf, rowOf } from '../storage/store.js';

interface House {
  readonly db: Db;
  readonly events: RunEvent[];
  readonly ended: string[];
  readonly books: BookkeepingActivities;
  open(chain?: string): Promise<{ readonly fence: Fence; readonly opened: OpenSessionResult }>;
  append(fence: Fence, ...rows: readonly NewRow[]): Promise<TranscriptRow[]>;
  /** `seq step kind: what it says` */
  rows(fence: Fence): Promise<string[]>;
}

async function makeHouse(settings: Partial<TurnSettings> = {}): Promise<House> {
  const { db, folder } = await makeStore();
  const bus = createBus();
  const events: RunEvent[] = [];
  bus.subscribe((event) => void events.push(event));
  const ended: string[] = [];
  const quiet = (): void => undefined;
  const books = createBookkeeping({
    db, events: bus, media: createMediaStore(db, folder), log: { debug: quiet, info: quiet, warn: quiet, error: quiet }, hostId: 'host-a', draining: new AbortController().signal,
    models: () => scriptedModels(['fake/one', 'fake/two']),
    tools: () => toolset(tool('exec', 'side-effecting', async () => ({ blocks: [], isError: false }))),
    settings: () => ({ maxSteps: 20, idleMs: 60_000, thinking: 'off', ...settings }),
    budgets: () => ({ limits: {}, timezone: 'UTC' }),
    systemPrompt: async () => '',
    // Commands that run are those a test names.
    endCommand: async (key) => {
      ended.push(key);
      return key.endsWith('.1');
    },
  });
  return {
    db, events, ended, books,
    async open(chain = 'chain-1') {
      const opened = await books.openSession({ session: SESSION, agent: 'main', chain });
      return { opened, fence: { session: SESSION, generation: opened.generation, conversation: opened.conversation } };
    },
    append: (fence, ...rows) => db.transaction().execute((tx) => appendRows(tx, fence, rows)),
    rows: async (fence) => (await historyPage(db, SESSION, fence.conversation, { limit: 99, offset: 0 })).rows.map((row) => `${row.seq} ${row.step} ${row.kind}: ${textOf(row.content)}`),
  };
}

function textOf(content: RowContent): string {
  if (content.type === 'tool') return content.blocks.map((block) => (block.type === 'text' ? block.text : block.hash)).join();
  if (content.type === 'error') return `${content.code} ${content.message}`;
  return content.type === 'aborted' ? `${content.text}|${content.reason}` : content.text;
}

const RUN = 'run of a';
const FENCED = { type: 'FencedOut', nonRetryable: true };
const item = { inboundId: 'a', run: RUN } as const;
const calls = (...tools: readonly string[]) => tools.map((name, index) => ({ index, callId: 'same', tool: name, args: {} }));
const answer = (seq: number, text: string, over: Partial<NewRow> = {}, ...tools: readonly string[]): NewRow => ({ seq, run: RUN, step: 1, kind: 'assistant', content: answerContent(text, { calls: calls(...tools) }), ...over });
const result = (seq: number, index: number, text: string): NewRow => ({ seq, run: RUN, step: 1, kind: `tool.${index}`, content: { type: 'tool', index, tool: 'exec', callId: 'same', isError: false, blocks: [{ type: 'text', text }] } });

describe('opening a session', () => {
  it('gives generation, conversation, next seq and the unfinished rows, and the same again for the same chain', async () => {
    const { db, open, append } = await makeHouse();
    for (const [at, id] of ['b', 'a'].entries()) await accept(db, id, { accepted_at: at });
    await accept(db, 'done', { state: 'ok' });
    const { opened, fence } = await open();
    expect(opened).toMatchObject({ generation: 1, nextSeq: 1, hostQueue: 'openclaw-host-host-a', idleMs: 60_000 });
    expect(opened.unfinished.map((one) => one.inboundId)).toEqual(['b', 'a']);
    await append(fence, answer(4, 'x'));
    expect((await open()).opened).toEqual({ ...opened, nextSeq: 5 });
  });

  it('by a new chain fences the old one out of everything', async () => {
    const { db, books, open } = await makeHouse();
    await accept(db, 'a');
    const { fence: old } = await open('one');
    await open('two');
    await expect(open('one')).rejects.toMatchObject(FENCED);
    await expect(books.takeRun({ ...old, ...item, seq: 1 })).rejects.toMatchObject(FENCED);
    await expect(books.answerCall({ ...old, run: RUN, step: 1, index: 0, callSeq: 1, seq: 2, code: 'X', message: 'y' })).rejects.toMatchObject(FENCED);
    for (const end of [books.sealTurn, books.finishRun]) await expect(end({ ...old, ...item, step: 1, outcome: { state: 'ok' } })).rejects.toMatchObject(FENCED);
    expect((await rowOf(db, 'a')).state).toBe('accepted');
  });
});

describe('taking a run', () => {
  it('writes its user row once and starts at the first step, with all that the turn needs', async () => {
    const { db, books, events, open, rows } = await makeHouse({ runTimeoutMs: 5_000 });
    await accept(db, 'a');
    const { fence } = await open();
    const first = await books.takeRun({ ...fence, ...item, seq: 1 });
    const { takenAt = 0 } = await rowOf(db, 'a');
    expect(first).toMatchObject({ status: 'taken', nextSeq: 3, turn: { step: 1, seq: 2, model: 0, models: ['fake/one', 'fake/two'], maxSteps: 20, inGroup: false, tokens: 0, costUsd: 0 } });
    expect(events).toMatchObject([{ type: 'start', runId: 'a', run: RUN }]);
    // A repeated attempt of the same activity, whose first completion was lost, says the same: the answer's seq is not the message's.
    expect(await books.takeRun({ ...fence, ...item, seq: 1 })).toEqual(first);
    // Taken again by a recovered workflow: nothing is written twice, and the time limit counts from the first time.
    const again = await books.takeRun({ ...fence, ...item, seq: 2 });
    expect(again).toMatchObject({ status: 'taken', nextSeq: 3, turn: { step: 1, seq: 2, startedAt: takenAt, deadline: takenAt + 5_000 } });
    expect(await rows(fence)).toEqual(['1 0 user: text of a']);
  });

  it('obeys the model and time limit that the message asks for, and knows a group', async () => {
    const { db, books, open } = await makeHouse({ runTimeoutMs: 5_000 });
    await accept(db, 'a', { request: JSON.stringify({ model: 'fake/special', timeoutMs: 70 }), message: JSON.stringify(messageOf('hi', { conversation: { kind: 'group', id: 'g' } })) });
    const { fence } = await open();
    const taken = await books.takeRun({ ...fence, ...item, seq: 1 });
    if (taken.status !== 'taken') throw new Error('not taken');
    expect(taken.turn).toMatchObject({ models: ['fake/special'], inGroup: true, deadline: taken.turn.startedAt + 70 });
  });

  it('without any limit has no deadline', async () => {
    const { db, books, open } = await makeHouse();
    await accept(db, 'a');
    const { fence } = await open();
    expect(await books.takeRun({ ...fence, ...item, seq: 1 })).not.toHaveProperty('turn.deadline');
  });

  it('that has ended, is held or is of another session does nothing', async () => {
    const { db, books, open, rows } = await makeHouse();
    await accept(db, 'a', { state: 'ok' });
    await accept(db, 'held', { state: 'held' });
    await accept(db, 'other', { session: 'agent:main:other' });
    const { fence } = await open();
    for (const inboundId of ['a', 'held', 'other']) expect(await books.takeRun({ ...fence, inboundId, run: `run of ${inboundId}`, seq: 1 }), inboundId).toEqual({ status: 'finished' });
    expect(await rows(fence)).toEqual([]);
    expect((await rowOf(db, 'other')).state).toBe('accepted');
  });

  it('goes on at the last committed step', async () => {
    const { db, books, append, open } = await makeHouse();
    await accept(db, 'a');
    const { fence } = await open('one');
    await books.takeRun({ ...fence, ...item, seq: 1 });
    await append(fence, answer(2, '', {}, 'exec', 'exec'), result(3, 0, 'done'));
    const { fence: next, opened } = await open('two');
    expect(await books.takeRun({ ...next, ...item, seq: opened.nextSeq })).toMatchObject({
      status: 'taken', nextSeq: 5, turn: { step: 1, callSeq: 2, batch: [{ index: 0, status: 'done', policy: 'side-effecting' }, { index: 1, status: 'pending', seq: 4 }] },
    });
  });
});

describe('a call whose activity gave up', () => {
  it('is answered with the reason, once, under its own tool and provider id', async () => {
    const { db, books, append, open, rows } = await makeHouse();
    await accept(db, 'a');
    const { fence } = await open();
    await append(fence, answer(1, '', {}, 'exec'));
    const input = { ...fence, run: RUN, step: 1, index: 0, callSeq: 1, seq: 2, code: 'Internal', message: 'it broke' };
    await books.answerCall(input);
    await books.answerCall({ ...input, message: 'again' });
    expect(await rows(fence)).toEqual(['1 1 assistant: ', '2 1 tool.0: Internal: it broke']);
  });
});

describe('the end of a run', () => {
  const seal = (fence: Fence, over: Partial<EndRunInput> = {}): EndRunInput => ({
    ...fence, ...item, step: 1, outcome: { state: 'aborted', seq: 9, code: 'stopped' }, last: { kind: 'aborted', seq: 9, reason: 'stopped by ann' }, ...over,
  });

  it('with an answer is told once in its row and to readers', async () => {
    const { db, books, events, append, open } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    await append(fence, answer(1, 'done'));
    const input: EndRunInput = { ...fence, ...item, step: 1, outcome: { state: 'ok', seq: 1 } };
    expect(await books.finishRun(input)).toEqual({ outcome: { state: 'ok', seq: 1 }, nextSeq: 2 });
    const ended = await rowOf(db, 'a');
    expect(ended).toMatchObject({ state: 'ok', outcome: { state: 'ok', seq: 1 } });
    expect(await books.finishRun(input)).toEqual({ outcome: { state: 'ok', seq: 1 }, nextSeq: 2 });
    expect(await rowOf(db, 'a')).toEqual(ended);
    expect(events.at(-1)).toMatchObject({ type: 'end', state: 'ok', runId: 'a' });
  });

  it('as a failure writes the row that says why', async () => {
    const { db, books, open, rows } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    await books.finishRun({ ...fence, ...item, step: 1, outcome: { state: 'error', seq: 1, code: 'Auth' }, last: { kind: 'error', seq: 1, code: 'Auth', message: 'the key was refused' } });
    expect(await rows(fence)).toEqual(['1 1 error: Auth the key was refused']);
    expect(await rowOf(db, 'a')).toMatchObject({ state: 'error', reason: 'Auth' });
  });

  it('by a stop answers open calls, keeps what finished, ends commands nobody follows, and seals; repeated it changes nothing', async () => {
    const { db, books, ended, append, open, rows } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    await append(fence, answer(1, '', {}, 'exec', 'exec', 'read'), result(2, 0, 'finished'));
    const input = seal(fence, { open: { callSeq: 1, calls: [0, 1, 2].map((index) => ({ index, seq: index + 2 })), note: 'skipped: interrupted' } });
    const first = await books.sealTurn(input);
    const after = await rows(fence);
    expect(after.map((line) => line.split(':')[0])).toEqual(['1 1 assistant', '2 1 tool.0', '3 1 tool.1', '4 1 tool.2', '9 1 aborted']);
    expect([after[1], after[3], after[4]]).toEqual(['2 1 tool.0: finished', '4 1 tool.2: skipped: interrupted', '9 1 aborted: |stopped by ann']);
    // The call that had begun says so.
    expect(after[2]).not.toContain('skipped');
    expect(ended).toEqual([`${RUN}:1.1`]);
    expect(await books.sealTurn(input)).toEqual(first);
    expect(await rows(fence)).toEqual(after);
    expect(await rowOf(db, 'a')).toMatchObject({ state: 'aborted', reason: 'stopped by ann' });
  });

  it('by a stop says of an approved call that had begun what became of it; of one that had not, nothing', async () => {
    const { db, books, open, rows } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    await books.sealTurn(seal(fence, { command: 'earlier:1.1', commandSeq: 8 }));
    expect(await rows(fence)).toEqual([expect.stringMatching(/^8 0 user: .*had begun and was ended/s), '9 1 aborted: |stopped by ann']);

    const other = await makeHouse();
    await accept(other.db, 'a', { state: 'taken' });
    const again = (await other.open()).fence;
    await other.books.sealTurn(seal(again, { command: 'earlier:1.0', commandSeq: 8 }));
    expect(await other.rows(again)).toEqual(['9 1 aborted: |stopped by ann']);
  });

  it('by a stop keeps what the model had said', async () => {
    const { db, books, open, rows } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    const draft = await saveDraft(db, fence, { run: RUN, step: 1, text: 'Once upon' });
    await books.sealTurn(seal(fence, { last: { kind: 'aborted', seq: 9, reason: 'stopped', draft } }));
    expect(await rows(fence)).toEqual(['9 1 aborted: Once upon|stopped']);
  });

  it('by a stop that came after the answer was stored is that answer', async () => {
    const { db, books, append, open, rows } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    await append(fence, answer(9, 'the answer'));
    expect(await books.sealTurn(seal(fence))).toEqual({ outcome: { state: 'ok', seq: 9 }, nextSeq: 10 });
    expect(await rows(fence)).toEqual(['9 1 assistant: the answer']);
    expect(await rowOf(db, 'a')).toMatchObject({ state: 'ok' });
  });

  it('by a stop that came after calls were stored answers them and seals behind them', async () => {
    const { db, books, append, open, rows } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    await append(fence, answer(9, '', {}, 'read', 'read'));
    const end = await books.sealTurn(seal(fence));
    expect(end).toEqual({ outcome: { state: 'aborted', seq: 12, code: 'stopped' }, nextSeq: 13 });
    expect(await rows(fence)).toEqual(['9 1 assistant: ', '10 1 tool.0: skipped: interrupted', '11 1 tool.1: skipped: interrupted', '12 1 aborted: |stopped by ann']);
    expect(await rowOf(db, 'a')).toMatchObject({ state: 'aborted', outcome: { seq: 12 } });
  });

  it('repeated after calls were found late changes nothing', async () => {
    const { db, books, append, open, rows } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    await append(fence, answer(9, '', {}, 'read'));
    const first = await books.sealTurn(seal(fence));
    const after = await rows(fence);
    expect(await books.sealTurn(seal(fence))).toEqual(first);
    expect(await rows(fence)).toEqual(after);
  });

  it('does not take another run’s row for its own late answer', async () => {
    const { db, books, append, open } = await makeHouse();
    await accept(db, 'a', { state: 'taken' });
    const { fence } = await open();
    await append(fence, answer(9, 'theirs', { run: 'another' }));
    await expect(books.sealTurn(seal(fence))).rejects.toMatchObject(FENCED);
    expect((await rowOf(db, 'a')).state).toBe('taken');
  });
});

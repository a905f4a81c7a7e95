/** What clients read of runs, sessions and history. */
import { CompiledQuery } from 'kysely';
import { describe, expect, it, vi } from 'vitest';
import type { RowStore } from '../../src/core/rows.js';
import type { InboundState, RunOutcome } from '../../src/core/run.js';
import type { Fence } from '../../src/core/steps.js';
import { endInbound, markSignalled, markTaken } from '../../src/storage/inbound.js';
import { createRunReader } from '../../src/storage/runs.js';
import type { Db } from '../../src/storage/sqlite.js';
import { type NewRow, appendRows } from '../../src/storage/transcript.js';
import { recordModelAttempt, recordToolAttempt } from '../../src/storage/usage.js';
import { SESSION, accept, answerContent, makeStore, openSession, userRow } from './store.js';

interface House {
  readonly db: Db;
  readonly fence: Fence;
  readonly reader: RowStore;
  append(...rows: readonly NewRow[]): Promise<unknown>;
  take(id: string): Promise<unknown>;
  end(id: string, outcome: RunOutcome, reason?: string): Promise<void>;
}

async function open(): Promise<House> {
  const { db } = await makeStore();
  const fence = await openSession(db);
  return {
    db, fence, reader: createRunReader(db),
    append: (...rows) => db.transaction().execute((tx) => appendRows(tx, fence, rows)),
    take: (id) => db.transaction().execute((tx) => markTaken(tx, id)),
    end: (id, outcome, reason) => db.transaction().execute((tx) => endInbound(tx, id, { state: outcome.state, outcome, ...(reason === undefined ? {} : { reason }) })),
  };
}
const usage = { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 };
const attempt = (run: string, over: object = {}) => ({ session: SESSION, run, step: 1, attempt: 1, generation: 1, provider: 'fake', model: 'one', usage, costUsd: 0.5, outcome: 'ok', startedAt: 1, endedAt: 2, ...over });
/** The statements that a call makes. */
async function statements(db: Db, call: () => Promise<unknown>): Promise<readonly CompiledQuery[]> {
  const seen = vi.spyOn(db.getExecutor(), 'executeQuery');
  await call();
  const made = seen.mock.calls.map(([query]) => query);
  seen.mockRestore();
  return made;
}
const ids = (rows: readonly { readonly runId: string }[]): string[] => rows.map((row) => row.runId);

describe('a run', () => {
  it('that nobody asked for is not there', async () => {
    const { reader } = await open();
    expect(await reader.run('nothing')).toBeUndefined();
    expect(await reader.runByHash('nothing')).toBeUndefined();
  });

  it('that waits tells what was asked and no outcome', async () => {
    const { db, reader } = await open();
    await accept(db, 'a');
    expect(await reader.run('a')).toEqual({ inboundId: 'a', runId: 'a', run: 'run of a', session: SESSION, principal: 'owner', state: 'accepted', acceptedAt: 1_000, text: 'text of a', steps: 0 });
    expect(await reader.runByHash('run of a')).toEqual(await reader.run('a'));
    expect(await reader.run('a', SESSION)).toBeDefined();
    expect(await reader.run('a', 'agent:main:other')).toBeUndefined();
  });

  it('that was answered tells the answer, its model, its steps and what it cost', async () => {
    const { db, reader, append, end, take } = await open();
    await accept(db, 'a');
    await take('a');
    await append(userRow(1, { run: 'run of a' }), { seq: 2, run: 'run of a', step: 1, kind: 'assistant', content: answerContent('the answer') });
    await recordModelAttempt(db, attempt('run of a', { outcome: 'Network', costUsd: 0.25 }));
    await recordModelAttempt(db, attempt('run of a', { attempt: 2, step: 1 }));
    await end('a', { state: 'ok', seq: 2 });
    expect(await reader.run('a')).toMatchObject({
      state: 'ok', steps: 1, costUsd: 0.75, usage: { input: 20, output: 10 }, model: 'fake/one', takenAt: expect.any(Number), endedAt: expect.any(Number),
      outcome: { state: 'ok', seq: 2, text: 'the answer', provider: 'fake', model: 'one', costUsd: 0.75 },
    });
  });

  it('that failed tells why, one that was stopped what it had said, one that was dropped the reason', async () => {
    const { db, reader, append, end } = await open();
    for (const id of ['failed', 'stopped', 'dropped']) await accept(db, id);
    await append(
      { seq: 1, run: 'run of failed', step: 1, kind: 'error', content: { type: 'error', code: 'Auth', message: 'the key was refused' } },
      { seq: 2, run: 'run of stopped', step: 1, kind: 'aborted', content: { type: 'aborted', text: 'Once upon', reason: 'stopped' } },
    );
    await end('failed', { state: 'error', seq: 1, code: 'Auth' }, 'Auth');
    await end('stopped', { state: 'aborted', seq: 2, code: 'stopped' }, 'stopped');
    await db.transaction().execute((tx) => endInbound(tx, 'dropped', { state: 'dropped', reason: 'reset' }));
    expect((await reader.run('failed'))?.outcome).toMatchObject({ state: 'error', code: 'Auth', errorMessage: 'the key was refused' });
    expect((await reader.run('stopped'))?.outcome).toMatchObject({ state: 'aborted', text: 'Once upon' });
    expect(await reader.run('dropped')).toMatchObject({ state: 'dropped', dropped: 'reset' });
  });

  it('that was merged names the run it went into', async () => {
    const { db, reader } = await open();
    await accept(db, 'a');
    await db.transaction().execute((tx) => endInbound(tx, 'a', { state: 'merged', mergedInto: 'run of b' }));
    expect(await reader.run('a')).toMatchObject({ state: 'merged', mergedInto: 'run of b' });
  });

  it('has a timeline of its attempts, rows and tools', async () => {
    const { db, reader, append } = await open();
    await append(userRow(1), userRow(2, { run: 'other' }), { seq: 3, run: 'run', step: 1, kind: 'assistant', content: answerContent('hi') });
    await recordModelAttempt(db, attempt('run', { outcome: 'Overloaded', costUsd: undefined, startedAt: 1 }));
    await recordModelAttempt(db, attempt('run', { attempt: 2, startedAt: 2 }));
    await recordModelAttempt(db, attempt('run', { step: 2, outcome: 'aborted', startedAt: 3 }));
    await recordToolAttempt(db, { session: SESSION, run: 'run', step: 1, index: 0, attempt: 1, generation: 1, tool: 'exec', outcome: 'ok', startedAt: 1, endedAt: 2 });
    const timeline = await reader.timeline('run');
    expect(timeline.attempts.map(({ step, attempt: n, state, code }) => [step, n, state, code])).toEqual([[1, 1, 'error', 'Overloaded'], [1, 2, 'ok', undefined], [2, 1, 'aborted', undefined]]);
    expect(timeline.rows.map((row) => row.seq)).toEqual([1, 3]);
    expect(timeline.tools).toMatchObject([{ tool: 'exec', outcome: 'ok' }]);
    expect(await reader.timeline('nothing')).toEqual({ attempts: [], rows: [], tools: [] });
  });
});

describe('the list of runs', () => {
  it('takes the same few statements however many runs of however many sessions ended', async () => {
    const { db, reader, end } = await open();
    for (let i = 0; i < 40; i += 1) {
      const session = `agent:main:s${i % 7}`;
      const fence = await openSession(db, session);
      await accept(db, `r${i}`, { session, accepted_at: i });
      await db.transaction().execute((tx) => appendRows(tx, fence, [{ seq: i + 1, run: `run of r${i}`, step: 1, kind: 'assistant', content: answerContent(`answer ${i}`) }]));
      await end(`r${i}`, { state: 'ok', seq: i + 1 });
    }
    expect((await statements(db, () => reader.listRuns({ limit: 40 }))).length).toBe((await statements(db, () => reader.listRuns({ limit: 1 }))).length);
    const { runs } = await reader.listRuns({ limit: 40 });
    expect(runs.map((row) => row.outcome?.text)).toEqual(Array.from({ length: 40 }, (_, i) => `answer ${39 - i}`));
  });

  it('is newest first, in pages, with the count of all that match', async () => {
    const { db, reader, end } = await open();
    for (let i = 1; i <= 5; i += 1) await accept(db, `r${i}`, { accepted_at: i });
    await accept(db, 'elsewhere', { session: 'agent:main:other', accepted_at: 9 });
    await end('r2', { state: 'ok' });
    const page = async (query: Parameters<RowStore['listRuns']>[0]) => {
      const { runs, total } = await reader.listRuns(query);
      return [ids(runs), total];
    };
    expect(await page({ limit: 2 })).toEqual([['elsewhere', 'r5'], 6]);
    expect(await page({ limit: 2, offset: 4 })).toEqual([['r2', 'r1'], 6]);
    expect(await page({ limit: 9, session: SESSION })).toEqual([['r5', 'r4', 'r3', 'r2', 'r1'], 5]);
    expect(await page({ limit: 9, state: ['ok', 'error'] })).toEqual([['r2'], 1]);
    expect(await page({ limit: 9, session: SESSION, state: ['accepted'] })).toEqual([['r5', 'r4', 'r3', 'r1'], 4]);
    expect(await page({ limit: 9, state: ['merged'] })).toEqual([[], 0]);
  });

  it('of what waits is in order of arrival and leaves out what runs', async () => {
    const { db, reader, take } = await open();
    for (const [id, at] of [['b', 2], ['a', 1], ['c', 3]] as const) await accept(db, id, { accepted_at: at });
    await markSignalled(db, 'b');
    await take('a');
    expect(ids(await reader.pending(SESSION))).toEqual(['b', 'c']);
  });
});

describe('runs that ended since', () => {
  it('come each once, in order, also when many end in one moment and pages are small', async () => {
    const { db, reader } = await open();
    const times: Record<string, number> = { f: 10, c: 20, a: 20, e: 20, b: 20, d: 30 };
    for (const [id, endedAt] of Object.entries(times)) {
      await accept(db, id);
      await db.updateTable('inbound').set({ state: 'ok' satisfies InboundState, ended_at: endedAt }).where('id', '=', id).execute();
    }
    await accept(db, 'open');
    const seen: string[] = [];
    let cursor = { endedAt: 0, inboundId: '' };
    for (;;) {
      const page = await reader.endedSince(cursor, 2);
      if (page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(2);
      seen.push(...page.map(({ inboundId }) => inboundId));
      cursor = page.at(-1)!;
    }
    expect(seen).toEqual(['f', 'a', 'b', 'c', 'e', 'd']);
    expect((await reader.endedSince({ endedAt: 20, inboundId: 'b' }, 9)).map(({ inboundId }) => inboundId)).toEqual(['c', 'e', 'd']);
  });
});

describe('history', () => {
  it('of a session that is not there is empty', async () => {
    const { reader } = await open();
    expect(await reader.history('agent:main:nobody', { limit: 9 })).toEqual({ rows: [], total: 0 });
  });

  it('names each row’s run by the client’s id, and is of the current conversation', async () => {
    const { db, fence, reader, append } = await open();
    await accept(db, 'a');
    await append(userRow(1, { run: 'run of a' }), { seq: 2, run: 'run of a', step: 1, kind: 'assistant', content: answerContent('hi') }, userRow(3, { run: 'imported' }));
    const { rows, total, conversation } = await reader.history(SESSION, { limit: 9 });
    expect(rows.map((row) => [row.seq, row.runId])).toEqual([[1, 'a'], [2, 'a'], [3, undefined]]);
    expect([total, conversation]).toEqual([3, fence.conversation]);
    expect((await reader.history(SESSION, { limit: 1, beforeSeq: 3 })).rows.map((row) => row.seq)).toEqual([2]);
    expect((await reader.history(SESSION, { limit: 1, offset: 2 })).rows.map((row) => row.seq)).toEqual([1]);
    await db.updateTable('sessions').set({ conversation: 'next' }).execute();
    expect(await reader.history(SESSION, { limit: 9 })).toMatchObject({ rows: [], total: 0 });
  });
});

describe('sessions', () => {
  it('tell what runs, what waits, the last run and what it all cost', async () => {
    const { db, reader, take, end } = await open();
    for (const [i, id] of ['done', 'running', 'waiting', 'failed'].entries()) await accept(db, id, { accepted_at: i });
    await take('running');
    await end('done', { state: 'ok' });
    await end('failed', { state: 'error', code: 'Auth' }, 'Auth');
    await recordModelAttempt(db, attempt('run of done', { startedAt: 1 }));
    await recordModelAttempt(db, attempt('run of failed', { provider: 'other', model: 'two', startedAt: 2 }));
    const { sessions, total } = await reader.listSessions({ limit: 9 });
    expect(total).toBe(1);
    expect(sessions[0]).toMatchObject({ key: SESSION, agent: 'main', activeRunIds: ['running'], queued: 1, lastRun: { runId: 'failed', state: 'error', error: 'Auth' }, usage: { input: 20, output: 10 }, provider: 'other', model: 'two' });
  });

  it('are listed with the same few statements however many there are, and none reads a table from end to end', async () => {
    const { db, reader, end } = await open();
    const fill = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i += 1) {
        const session = `agent:main:s${i}`;
        await reader.createSession(session);
        await accept(db, `done-${i}`, { session, accepted_at: 1 });
        await end(`done-${i}`, { state: 'ok', seq: 1 });
        await accept(db, `waits-${i}`, { session, accepted_at: 2 });
        await recordModelAttempt(db, attempt(`run of done-${i}`, { session, usage: { ...usage, input: i } }));
      }
    };
    await fill(0, 3);
    const few = await statements(db, () => reader.listSessions({ limit: 50 }));
    await fill(3, 50);
    const many = await statements(db, () => reader.listSessions({ limit: 50 }));
    expect(many.length).toBe(few.length);
    expect(many.length).toBe(7);
    for (const query of many) {
      const plan = await db.executeQuery<{ detail: string }>(CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters]));
      expect(plan.rows.map(({ detail }) => detail).filter((detail) => /^SCAN (?!sessions)/.test(detail)), query.sql).toEqual([]);
    }
    const { sessions } = await reader.listSessions({ limit: 99, search: ':s7' });
    expect(sessions).toMatchObject([{ key: 'agent:main:s7', activeRunIds: [], queued: 1, lastRun: { runId: 'waits-7', text: 'text of waits-7' }, usage: { input: 7, output: 5 }, provider: 'fake', model: 'one' }]);
  });

  it('are made once; a label given later is kept', async () => {
    const { reader } = await open();
    const made = await reader.createSession('agent:main:x', 'First');
    expect(made).toMatchObject({ key: 'agent:main:x', agent: 'main', label: 'First', activeRunIds: [], queued: 0 });
    expect(await reader.createSession('agent:main:x')).toMatchObject({ conversation: made.conversation, label: 'First' });
    expect(await reader.createSession('agent:main:x', 'Second')).toMatchObject({ conversation: made.conversation, label: 'Second' });
  });

  it('are listed with the last used first, in pages', async () => {
    const { db, reader } = await open();
    for (const name of ['a', 'b', 'c']) await reader.createSession(`agent:main:${name}`);
    for (const [at, name] of ['main', 'c', 'a', 'b'].entries()) await db.updateTable('sessions').set({ updated_at: at }).where('key', '=', `agent:main:${name}`).execute();
    const first = await reader.listSessions({ limit: 3 });
    expect([first.sessions.map((s) => s.key), first.total]).toEqual([['agent:main:b', 'agent:main:a', 'agent:main:c'], 4]);
    expect((await reader.listSessions({ limit: 3, offset: 3 })).sessions.map((s) => s.key)).toEqual([SESSION]);
  });

  it.each([
    ['notes', ['agent:main:my-notes', 'agent:main:my_notes']],
    ['NOTES', ['agent:main:my-notes', 'agent:main:my_notes']],
    ['my_n', ['agent:main:my_notes']],
    ['_', ['agent:main:my_notes']],
    ['%', ['agent:main:sale']],
    ['50% O', ['agent:main:sale']],
    ['\\', ['agent:main:path']],
    ["'; --", []],
    ['', [SESSION, 'agent:main:my-notes', 'agent:main:my_notes', 'agent:main:path', 'agent:main:sale']],
  ])('searched for %j are those whose key or label holds it, letter by letter', async (search, keys) => {
    const { reader } = await open();
    await reader.createSession('agent:main:my_notes');
    await reader.createSession('agent:main:my-notes');
    await reader.createSession('agent:main:sale', '50% Off');
    await reader.createSession('agent:main:path', 'C:\\Temp');
    const { sessions, total } = await reader.listSessions({ limit: 9, search });
    expect(sessions.map((s) => s.key).toSorted()).toEqual(keys.toSorted());
    expect(total).toBe(keys.length);
  });
});

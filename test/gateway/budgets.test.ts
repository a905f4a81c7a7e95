/** `budgets.*` and `usage.*` over a real socket, from the real store. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BudgetLimits } from '../../src/core/budget.js';
import { createBudgetControl } from '../../src/sessions/budgets.js';
import { type Reserving, reserve, settle } from '../../src/storage/ledger.js';
import { createSpendingReader } from '../../src/storage/spending.js';
import { recordModelAttempt } from '../../src/storage/usage.js';
import { fakeEngine } from '../sessions/house.js';
import { accept, makeStore, openSession } from '../storage/store.js';
import { type Raw, type World, connected, startWorld } from './fakes.js';
import { createBus } from '../../src/bus/bus.js';

let world: World | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await world?.close();
  world = undefined;
});

async function open(limits: BudgetLimits = { day: { tokens: 2_000, usd: 5 } }, timezone = 'Europe/Vienna', scopes?: readonly string[]) {
  const { db } = await makeStore();
  const engine = fakeEngine();
  const quiet = (): void => undefined;
  const budgets = () => ({ limits, timezone });
  const control = createBudgetControl({ db, engine, events: createBus(), log: { debug: quiet, info: quiet, warn: quiet, error: quiet }, budgets });
  world = await startWorld({ deps: { budgets: { ...control, ...createSpendingReader(db, budgets) } } });
  const client: Raw = await connected(world.port, scopes ? { scopes } : {});
  const used = (startedAt: string, input: number, costUsd: number | undefined, over: { readonly model?: string; readonly session?: string } = {}) =>
    recordModelAttempt(db, { session: 'agent:main:main', run: `run ${startedAt}`, step: 1, attempt: 1, generation: 1, provider: 'fake', model: 'one', usage: { input, output: 10, cacheRead: 0, cacheWrite: 0 }, ...(costUsd === undefined ? {} : { costUsd }), outcome: 'ok', startedAt: Date.parse(startedAt), endedAt: Date.parse(startedAt) + 5, ...over });
  return { db, engine, client, used, budgets };
}

async function openQuestion(h: Awaited<ReturnType<typeof open>>): Promise<string> {
  const at: Reserving = { id: 'first', fence: await openSession(h.db), run: 'run-a', runId: 'a', step: 1, attempt: 1, agent: 'main', provider: 'fake', model: 'one' };
  await reserve(h.db, at, { input: 100, output: 1_000 }, h.budgets());
  await h.db.transaction().execute((tx) => settle(tx, 'first', { tokens: 1_500, usd: 0.5 }));
  const got = await reserve(h.db, { ...at, id: 'second' }, { input: 100, output: 1_000 }, h.budgets());
  return got.kind === 'over' ? got.question : '';
}

describe('budgets', () => {
  it('are listed with what is spent of which limit, and who waits; hello announces the methods', async () => {
    const h = await open();
    const id = await openQuestion(h);
    const answer = await h.client.payload('budgets.list');
    expect(answer).toMatchObject({ timezone: 'Europe/Vienna', limits: { day: { tokens: 2_000, usd: 5 } }, questions: [{ id, scope: 'day', state: 'open', waiting: [{ runId: 'a', session: 'agent:main:main' }] }] });
    expect((answer['lines'] as { scope: string }[]).map(({ scope }) => scope)).toEqual(['month', 'day', 'agent']);
    expect((answer['lines'] as object[])[1]).toMatchObject({ of: answer['day'], limit: { tokens: 2_000, usd: 5 }, spent: { tokens: 1_500, usd: 0.5 }, held: { tokens: 0 } });
    const hello = h.client.frames.find((frame) => frame['id'] === 'connect') as { payload?: { features: { methods: string[] } } };
    for (const name of ['budgets.list', 'budgets.answer', 'usage.cost', 'usage.summary']) expect(hello.payload?.features.methods).toContain(name);
    expect(await h.client.payload('status')).toMatchObject({ budgets: { spent: { tokens: 1_500 }, limit: { tokens: 2_000 }, questions: [{ id, scope: 'day' }] } });
  });

  it('say what the next call needs, whose run a line is, who waits; and a run behind the waiting one says so', async () => {
    const h = await open({ run: { tokens: 2_000 } });
    await accept(h.db, 'in-a', { run: 'run-a', run_id: 'a' });
    const id = await openQuestion(h);
    const { lines, questions } = (await h.client.payload('budgets.list')) as { lines: { scope: string; run?: object }[]; questions: object[] };
    expect(questions).toMatchObject([{ id, limit: 2_000, spent: 1_500, needs: 1_100, waiting: [{ run: 'run-a' }] }]);
    expect(lines.find(({ scope }) => scope === 'run')).toMatchObject({ of: 'run-a', run: { runId: 'a', session: 'agent:main:main', ended: false } });
    for (const runId of ['a', 'b']) await h.client.payload('chat.send', { sessionKey: 'main', message: runId, idempotencyKey: runId });
    world!.store.take('a');
    world!.store.change('a', { run: 'run-a' });
    expect(await h.client.payload('agent.wait', { runId: 'b', timeoutMs: 0 })).toMatchObject({ status: 'timeout', queuedBehind: { runId: 'a', waitingFor: 'budget', budgetQuestion: id } });
    expect(await h.client.payload('runs.get', { runId: 'b' })).toMatchObject({ run: { queuedBehind: { runId: 'a', waitingFor: 'budget', budgetQuestion: id } } });
    expect(await h.client.payload('runs.get', { runId: 'a' })).toMatchObject({ run: { waitsForBudget: { id, needs: 1_100 } } });
    expect(await h.client.payload('status')).toMatchObject({ runs: { running: 1, queued: 1, waitForApproval: 0, waitForBudget: 1 } });
  });

  it('are answered once; what is unknown or decided is INVALID_REQUEST and says how', async () => {
    const h = await open();
    const id = await openQuestion(h);
    expect(await h.client.payload('budgets.answer', { id, answer: 'raise', tokens: 700 })).toMatchObject({ ok: true, question: { id, state: 'raised', answeredBy: 'owner' } });
    expect(h.engine.answers).toEqual([{ session: 'agent:main:main', answer: { question: id } }]);
    expect(await h.client.payload('budgets.answer', { id, answer: 'raise' })).toMatchObject({ ok: true });
    expect(await h.client.error('budgets.answer', { id, answer: 'raise', tokens: 900 })).toMatchObject({ details: { code: 'ALREADY_ANSWERED' } });
    expect(await h.client.error('budgets.answer', { id, answer: 'stop' })).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('already raised by owner'), details: { code: 'ALREADY_ANSWERED', state: 'raised' } });
    expect(await h.client.error('budgets.answer', { id: 'bq-none', answer: 'stop' })).toMatchObject({ code: 'INVALID_REQUEST', details: { code: 'UNKNOWN_QUESTION' } });
    for (const wrong of [{ id }, { id, answer: 'maybe' }, { id, answer: 'raise', tokens: 0 }, { id, answer: 'raise', usd: -1 }, { id, answer: 'once', extra: 1 }]) {
      expect(await h.client.error('budgets.answer', wrong)).toMatchObject({ code: 'INVALID_REQUEST' });
    }
  });

  it('may be read by readers and answered only by who answers for the owner', async () => {
    const h = await open(undefined, 'UTC', ['operator.read', 'operator.write']);
    await h.client.payload('budgets.list');
    expect(await h.client.error('budgets.answer', { id: 'x', answer: 'stop' })).toMatchObject({ code: 'FORBIDDEN', details: { missingScope: 'operator.approvals' } });
  });
});

describe('usage', () => {
  async function march() {
    const h = await open({}, 'Europe/Vienna');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-03-30T10:00:00Z') });
    // In Vienna already the 29th, a day of 23 hours.
    await h.used('2026-03-28T23:30:00Z', 100, 0.1);
    await h.used('2026-03-29T21:59:00Z', 200, 0.2, { model: 'two' });
    await h.used('2026-03-29T22:00:00Z', 400, undefined, { session: 'agent:main:other' });
    await h.used('2026-02-01T12:00:00Z', 1_000, 1);
    return h;
  }

  it('by day of UTC, as the peer counts, or of the owner\'s or another zone', async () => {
    const h = await march();
    const days = async (params: object) => {
      const answer = await h.client.payload('usage.cost', params);
      return [answer['days'], (answer['daily'] as { date: string; input: number }[]).map(({ date, input }) => `${date} ${input}`), (answer['totals'] as { input: number }).input];
    };
    expect(await days({ days: 5 })).toEqual([5, ['2026-03-28 100', '2026-03-29 600'], 700]);
    expect(await days({ days: 5, mode: 'gateway' })).toEqual([5, ['2026-03-29 300', '2026-03-30 400'], 700]);
    expect(await days({ days: 1, mode: 'gateway' })).toEqual([1, ['2026-03-30 400'], 400]);
    expect(await days({ startDate: '2026-03-29', endDate: '2026-03-29', mode: 'specific', utcOffset: 'UTC+2' })).toEqual([1, ['2026-03-29 300'], 300]);
    expect(await days({ startDate: '2026-03-29', endDate: '2026-03-29', mode: 'specific', timeZone: 'America/New_York' })).toEqual([1, ['2026-03-29 600'], 600]);
    expect(await days({ range: 'all' })).toEqual([58, ['2026-02-01 1000', '2026-03-28 100', '2026-03-29 600'], 1_700]);
    expect(await days({ agentId: 'nobody' })).toEqual([30, [], 0]);
    for (const wrong of [{ days: 0 }, { mode: 'specific', timeZone: 'Mars/Base' }, { startDate: '2026-99-01', endDate: '2026-99-02' }, { startDate: '2026-03-02', endDate: '2026-03-01' }, { more: 1 }]) {
      expect(await h.client.error('usage.cost', wrong)).toMatchObject({ code: 'INVALID_REQUEST' });
    }
  });

  it('in the peer\'s fields, each of them', async () => {
    const h = await march();
    const { totals, daily, updatedAt } = await h.client.payload('usage.cost', { days: 5 });
    expect(updatedAt).toBe(Date.now());
    const fields = ['cacheRead', 'cacheReadCost', 'cacheWrite', 'cacheWriteCost', 'input', 'inputCost', 'missingCostEntries', 'output', 'outputCost', 'totalCost', 'totalTokens'];
    expect(Object.keys(totals as object).toSorted()).toEqual(fields);
    expect(Object.keys((daily as object[])[0]!).toSorted()).toEqual([...fields, 'date'].toSorted());
    expect(totals).toMatchObject({ input: 700, output: 30, totalTokens: 730, totalCost: expect.closeTo(0.3, 9), missingCostEntries: 1 });
  });

  it('in sum: today, this month, models and sessions that used most', async () => {
    const h = await march();
    expect(await h.client.payload('usage.summary', { days: 2 })).toMatchObject({
      timezone: 'Europe/Vienna', days: 2, today: { totalTokens: 410 }, month: { totalTokens: 730 }, totals: { totalTokens: 730 },
      models: [{ provider: 'fake', model: 'one', count: 2, totals: { totalTokens: 520 } }, { model: 'two', count: 1, totals: { totalTokens: 210, totalCost: 0.2 } }],
      sessions: [{ key: 'agent:main:other', totals: { totalTokens: 410 } }, { key: 'agent:main:main', count: 2, totals: { totalTokens: 320 } }],
    });
  });
});

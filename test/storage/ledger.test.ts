/** The ledger: what is reserved never passes a limit, whoever reserves at once; what was used is counted once. */
import { describe, expect, it, vi } from 'vitest';
import type { BudgetLimits } from '../../src/core/budget.js';
import type { Fence } from '../../src/core/steps.js';
import { type Estimate, fit } from '../../src/core/budget-fit.js';
import { answerQuestion, answersFor, openQuestions, questionById, raiseLine } from '../../src/storage/budget-questions.js';
import { endInbound } from '../../src/storage/inbound.js';
import { type Reserved, type Reserving, closeRun, currentDay, loseDead, pruneLost, reserve, settle, stillHeld } from '../../src/storage/ledger.js';
import { type Db, openStore } from '../../src/storage/sqlite.js';
import { modelAttempts, recordModelAttempt } from '../../src/storage/usage.js';
import { SESSION, accept, makeStore, openSession, startChild } from './store.js';

let made = 0;
const attempt = (fence: Fence, over: Partial<Reserving> = {}): Reserving => ({
  id: `attempt-${++made}`, fence, run: 'run-a', runId: 'a', step: 1, attempt: 1, agent: 'main', provider: 'fake', model: 'one', ...over,
});
const lineOf = async (db: Db, line: string) => {
  const row = await db.selectFrom('ledger').selectAll().where('line', '=', line).executeTakeFirst();
  return row && { tokens: row.tokens, usd: row.usd, held: row.held_tokens, extra: row.extra_tokens };
};
const budgets = (limits: BudgetLimits, timezone = 'UTC') => ({ limits, timezone });
const use = (db: Db, id: string, tokens: number, usd = 0) => db.transaction().execute((tx) => settle(tx, id, { tokens, usd }));
const questionIn = (got: Reserved): string => {
  if (got.kind !== 'over') throw new Error(`not over but ${got.kind}`);
  return got.question;
};
const BIG: Estimate = { input: 1_000, output: 8_000 };

describe('a reservation', () => {
  it('is held on all five lines and settled with what was used, once', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const a = attempt(fence);
    expect(await reserve(db, a, { ...BIG, price: { input: 1, output: 2 } }, budgets({}))).toEqual({ kind: 'granted', output: 8_000, went: [] });
    const day = await currentDay(db, 'UTC');
    const lines = ['run:run-a', `session:${SESSION}`, 'agent:main', `day:${day}`, `month:${day.slice(0, 7)}`];
    for (const line of lines) expect(await lineOf(db, line)).toMatchObject({ tokens: 0, held: 9_000 });
    for (const _ of [1, 2]) await use(db, a.id, 1_200, 0.5);
    for (const line of lines) expect(await lineOf(db, line)).toEqual({ tokens: 1_200, usd: 0.5, held: 0, extra: 0 });
    expect(await db.selectFrom('reservations').selectAll().execute()).toEqual([]);
  });

  it('of a chain that was replaced is refused', async () => {
    const { db } = await makeStore();
    const old = await openSession(db);
    await openSession(db, SESSION, 'chain-2');
    await expect(reserve(db, attempt(old), BIG, budgets({}))).rejects.toMatchObject({ code: 'FENCED_OUT' });
    expect(await db.selectFrom('ledger').selectAll().execute()).toEqual([]);
  });

  it('counts what was spent before there was a limit', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const first = attempt(fence);
    await reserve(db, first, BIG, budgets({}));
    await use(db, first.id, 5_000);
    const got = await reserve(db, attempt(fence, { run: 'run-b' }), BIG, budgets({ agent: { tokens: 5_000 } }));
    expect(await questionById(db, questionIn(got))).toMatchObject({ line: 'agent:main', scope: 'agent', unit: 'tokens', limit: 5_000, spent: 5_000, state: 'open', waiting: [{ run: 'run-b', session: SESSION }] });
  });

  it('is smaller when not all of the output fits, and refused when hardly any does', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    expect(await reserve(db, attempt(fence), BIG, budgets({ run: { tokens: 4_000 } }))).toMatchObject({ kind: 'granted', output: 3_000 });
    expect(await reserve(db, attempt(fence, { run: 'run-b' }), BIG, budgets({ run: { tokens: 2_000 } }))).toMatchObject({ kind: 'over', scope: 'run' });
    expect(await reserve(db, attempt(fence, { run: 'run-c' }), { input: 1_000, output: 500 }, budgets({ run: { tokens: 1_500 } }))).toMatchObject({ kind: 'granted', output: 500 });
  });

  it('fits dollars by the price; a model without one is not held back by them', () => {
    const line = { scope: 'day', line: 'day:x', limit: { usd: 1 }, spent: { tokens: 0, usd: 0.9 }, held: { tokens: 0, usd: 0 } } as const;
    const price = { input: 10, output: 50 };
    // $0.10 is left: $0.01 of input, $0.09 of output.
    const got = fit([line], { input: 1_000, output: 8_000, price });
    expect(got).toEqual({ kind: 'fits', output: expect.closeTo(1_800, -1) });
    expect(fit([line], { input: 9_000, output: 8_000, price })).toMatchObject({ kind: 'over', unit: 'usd' });
    expect(fit([{ ...line, spent: { tokens: 0, usd: 7 } }], { input: 9_000, output: 8_000 })).toEqual({ kind: 'fits', output: 8_000 });
  });

  it('waits for what others hold, and never asks the owner for that', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const limits = budgets({ day: { tokens: 10_000 } });
    const first = attempt(fence);
    await reserve(db, first, BIG, limits);
    const second = attempt(fence, { run: 'run-b' });
    expect(await reserve(db, second, BIG, limits)).toMatchObject({ kind: 'held', scope: 'day' });
    expect(await stillHeld(db, second, BIG, limits)).toBe(true);
    await use(db, first.id, 1_500);
    expect(await stillHeld(db, second, BIG, limits)).toBe(false);
    expect(await reserve(db, second, BIG, limits)).toMatchObject({ kind: 'granted', output: 7_500 });
    expect(await openQuestions(db)).toEqual([]);
  });
});

describe('twenty at once', () => {
  it('from several processes never pass the limit, and ask one question', async () => {
    const { db, file } = await makeStore();
    const fences = await Promise.all(Array.from({ length: 20 }, (_, i) => openSession(db, `agent:main:s${i}`)));
    const jobs = fences.map((fence, i) => attempt(fence, { run: `run-${i}`, runId: `r${i}` }));
    const limits = { day: { tokens: 30_000 } };
    const asked = { input: 1_000, output: 4_000 };
    const children = [0, 1, 2, 3].map((n) => startChild('reserve', file, JSON.stringify({ jobs: jobs.filter((_, i) => i % 4 === n), limits, asked, used: 2_500 })));
    for (const child of children) expect(await child.line()).toBe('ready');
    const line = `day:${await currentDay(db, 'UTC')}`;
    for (const child of children) child.tell('go');
    let most = 0;
    let over = false;
    const answers = Promise.all(children.map(async (child) => {
      const got: { readonly kind: string; readonly question?: string }[] = [];
      for (let text = await child.line(); text !== 'done'; text = await child.line()) got.push(JSON.parse(text));
      return got;
    })).finally(() => (over = true));
    // Looked at all the while: spent and held together never pass it.
    for (const watch = await openStore(file); ; await new Promise((resolve) => setTimeout(resolve, 2))) {
      const row = await lineOf(watch, line);
      most = Math.max(most, (row?.tokens ?? 0) + (row?.held ?? 0));
      if (over) {
        await watch.destroy();
        break;
      }
    }
    const got = (await answers).flat();
    expect(most).toBeLessThanOrEqual(30_000);
    expect(most).toBeGreaterThan(25_000);
    // After 11 of them 27,500 are spent, and 2,500 hold an input and 1,500 of output.
    expect(got.filter(({ kind }) => kind === 'granted')).toHaveLength(12);
    const over20 = got.filter(({ kind }) => kind === 'over');
    expect(over20).toHaveLength(8);
    expect(new Set(over20.map(({ question }) => question)).size).toBe(1);
    expect((await openQuestions(db)).map(({ waiting }) => waiting.length)).toEqual([8]);
    expect(await lineOf(db, line)).toMatchObject({ tokens: 30_000, held: 0 });
  });
});

describe('an attempt that vanished', () => {
  it('counts at its estimate when the next one of its step reserves, with a usage row that says so', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const first = attempt(fence);
    await reserve(db, first, { ...BIG, price: { input: 1, output: 1 } }, budgets({}));
    await reserve(db, attempt(fence, { step: 2 }), BIG, budgets({}));
    expect(await lineOf(db, 'run:run-a')).toMatchObject({ tokens: 0, held: 18_000 });
    await reserve(db, attempt(fence, { attempt: 2 }), BIG, budgets({}));
    expect(await lineOf(db, 'run:run-a')).toMatchObject({ tokens: 9_000, held: 18_000 });
    expect(await modelAttempts(db, 'run-a')).toMatchObject([{ step: 1, attempt: 1, outcome: 'lost', usage: { input: 1_000, output: 8_000 }, costUsd: 0.009 }]);
  });

  it('and is heard of after all counts what it used instead', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const about = { session: SESSION, run: 'run-a', step: 1, attempt: 1, generation: 1, provider: 'fake', model: 'one', startedAt: 77 };
    const first = attempt(fence, { id: 'run-a:1:fake/one:1.1@77' });
    await reserve(db, first, BIG, budgets({}));
    await db.transaction().execute((tx) => closeRun(tx, 'run-a'));
    expect(await lineOf(db, 'run:run-a')).toMatchObject({ tokens: 9_000, held: 0 });
    for (const _ of [1, 2]) {
      await db.transaction().execute(async (tx) => {
        await recordModelAttempt(tx, { ...about, usage: { input: 900, output: 100, cacheRead: 0, cacheWrite: 0 }, outcome: 'Network', endedAt: 99 });
        await settle(tx, first.id, { tokens: 1_000, usd: 0 });
      });
    }
    expect(await lineOf(db, 'run:run-a')).toMatchObject({ tokens: 1_000, held: 0 });
    expect(await modelAttempts(db, 'run-a')).toMatchObject([{ outcome: 'Network', usage: { input: 900, output: 100 } }]);
  });

  it('with its process is lost by a pass; one of a living process is left alone', async () => {
    const { db, file } = await makeStore();
    const [mine, theirs] = [await openSession(db), await openSession(db, 'agent:main:other')];
    await reserve(db, attempt(mine), BIG, budgets({}));
    const child = startChild('reserve', file, JSON.stringify({ jobs: [attempt(theirs, { run: 'run-b' })], limits: {}, asked: BIG, used: 0, keep: true }));
    expect(await child.line()).toBe('ready');
    child.tell('go');
    expect(JSON.parse(await child.line())).toMatchObject({ kind: 'granted' });
    expect(await loseDead(db)).toBe(0);
    await child.kill();
    expect(await loseDead(db)).toBe(1);
    expect(await lineOf(db, 'run:run-b')).toMatchObject({ tokens: 9_000, held: 0 });
    expect(await lineOf(db, 'run:run-a')).toMatchObject({ tokens: 0, held: 9_000 });
    expect(await modelAttempts(db, 'run-b')).toMatchObject([{ outcome: 'lost' }]);
  });

  it('that was lost is forgotten after sixty days, and stays counted', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    for (const run of ['old', 'new', 'held']) await reserve(db, attempt(fence, { id: `id ${run}`, run }), BIG, budgets({}));
    for (const run of ['old', 'new']) await db.transaction().execute((tx) => closeRun(tx, run));
    const spent = await db.selectFrom('ledger').selectAll().orderBy('line').execute();
    for (const id of ['id old', 'id held']) await db.updateTable('reservations').set({ reserved_at: 1, settled_at: id === 'id old' ? Date.now() - 61 * 86_400_000 : null }).where('id', '=', id).execute();
    await pruneLost(db);
    expect((await db.selectFrom('reservations').select('id').orderBy('id').execute()).map(({ id }) => id)).toEqual(['id held', 'id new']);
    expect(await db.selectFrom('ledger').selectAll().orderBy('line').execute()).toEqual(spent);
  });

  it('is lost with its run at the latest', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    await accept(db, 'one', { run: 'run-a' });
    await reserve(db, attempt(fence), BIG, budgets({}));
    await db.transaction().execute((tx) => endInbound(tx, 'one', { state: 'aborted' }));
    expect(await lineOf(db, 'run:run-a')).toMatchObject({ tokens: 9_000, held: 0 });
  });
});

describe('a question', () => {
  const DAY: BudgetLimits = { day: { tokens: 2_000 } };
  const asked: Estimate = { input: 500, output: 1_000 };

  async function asking() {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const spent = attempt(fence, { run: 'earlier' });
    await reserve(db, spent, asked, budgets(DAY));
    await use(db, spent.id, 1_800);
    const [a, b] = [attempt(fence), attempt(fence, { run: 'run-b', runId: 'b' })];
    const question = questionIn(await reserve(db, a, asked, budgets(DAY)));
    expect(questionIn(await reserve(db, b, asked, budgets(DAY)))).toBe(question);
    const say = (answer: 'raise' | 'once' | 'stop') => db.transaction().execute(async (tx) => {
      const isNew = await answerQuestion(tx, question, answer, 'owner');
      if (isNew && answer === 'raise') await raiseLine(tx, (await questionById(tx, question))!.line, DAY.day!, { tokens: 2_000 });
      return isNew;
    });
    return { db, fence, a, b, question, say };
  }

  it('is put once a line, answered once, and found again by a repeated attempt', async () => {
    const { db, a, question, say } = await asking();
    expect(questionIn(await reserve(db, a, asked, budgets(DAY)))).toBe(question);
    expect(await openQuestions(db)).toMatchObject([{ id: question, waiting: [{ run: 'run-a', runId: 'a' }, { run: 'run-b', runId: 'b' }] }]);
    expect(await say('once')).toBe(true);
    expect(await say('stop')).toBe(false);
    expect(await questionById(db, question)).toMatchObject({ state: 'once', answeredBy: 'owner' });
  });

  it('answered `raise` gives the line more, for everyone', async () => {
    const { db, fence, a, b, question, say } = await asking();
    await say('raise');
    expect(await reserve(db, a, asked, budgets(DAY))).toEqual({ kind: 'granted', output: 1_000, went: [question] });
    await use(db, a.id, 700);
    expect(await reserve(db, b, asked, budgets(DAY))).toMatchObject({ kind: 'granted' });
    await use(db, b.id, 1_400);
    // 2,000 and 2,000 more: 3,900 are spent.
    const again = await reserve(db, attempt(fence, { run: 'run-c' }), asked, budgets(DAY));
    expect(await questionById(db, questionIn(again))).toMatchObject({ limit: 4_000, spent: 3_900, state: 'open' });
    expect(questionIn(again)).not.toBe(question);
  });

  it('answered `raise` makes room also when more was spent than the limit ever was', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const spent = attempt(fence, { run: 'earlier' });
    await reserve(db, spent, BIG, budgets({}));
    await use(db, spent.id, 50_000);
    const a = attempt(fence);
    const question = questionIn(await reserve(db, a, asked, budgets(DAY)));
    await db.transaction().execute(async (tx) => {
      await answerQuestion(tx, question, 'raise', 'owner');
      await raiseLine(tx, (await questionById(tx, question))!.line, DAY.day!, { tokens: 2_000 });
    });
    expect(await reserve(db, a, asked, budgets(DAY))).toMatchObject({ kind: 'granted' });
  });

  it('answered `once` lets the waiting runs pass that line to their end, and nobody else', async () => {
    const { db, fence, a, b, question, say } = await asking();
    await say('once');
    for (const step of [1, 2, 3]) {
      const next = { ...a, id: `${a.id}.${step}`, step };
      expect(await reserve(db, next, asked, budgets(DAY))).toMatchObject({ kind: 'granted', output: 1_000 });
      await use(db, next.id, 1_500);
    }
    expect(await reserve(db, b, asked, budgets(DAY))).toMatchObject({ kind: 'granted' });
    const other = await reserve(db, attempt(fence, { run: 'run-c' }), asked, budgets(DAY));
    expect(questionIn(other)).not.toBe(question);
    // It passes this line only.
    expect(await reserve(db, { ...a, step: 4 }, asked, budgets({ ...DAY, run: { tokens: 4_000 } }))).toMatchObject({ kind: 'over', scope: 'run' });
  });

  it('answered `stop` ends the waiting runs, also when they ask again; a later run is asked about anew', async () => {
    const { db, fence, a, b, question, say } = await asking();
    await say('stop');
    for (const run of [a, a, b]) expect(await reserve(db, run, asked, budgets(DAY))).toMatchObject({ kind: 'stopped', answer: { id: question, scope: 'day', unit: 'tokens', limit: 2_000, spent: 1_800 } });
    expect(await answersFor(db, 'run-a')).toMatchObject([{ waiting: false }]);
    const later = await reserve(db, attempt(fence, { run: 'run-c' }), asked, budgets(DAY));
    expect(questionIn(later)).not.toBe(question);
  });

  it('means nobody who had gone on before the answer', async () => {
    const { db, a, b, question, say } = await asking();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000 });
    try {
      expect(await reserve(db, a, asked, budgets({}))).toMatchObject({ kind: 'granted', went: [question] });
      vi.setSystemTime(Date.now() + 1_000);
      await say('stop');
      expect(await reserve(db, { ...a, id: 'next', step: 2 }, asked, budgets({}))).toMatchObject({ kind: 'granted' });
      expect(await reserve(db, b, asked, budgets({}))).toMatchObject({ kind: 'stopped' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('that nobody waits for any more is closed', async () => {
    const { db, question } = await asking();
    const leave = (run: string) => db.transaction().execute((tx) => closeRun(tx, run));
    await leave('run-a');
    expect(await questionById(db, question)).toMatchObject({ state: 'open', waiting: [{ run: 'run-b' }] });
    await leave('run-b');
    expect(await questionById(db, question)).toMatchObject({ state: 'lifted', waiting: [] });
  });
});

describe('the ledger\'s day', () => {
  it('is the owner\'s, begins anew at his midnight, and never runs backwards', async () => {
    const { db } = await makeStore();
    const fence = await openSession(db);
    const limits: BudgetLimits = { day: { tokens: 2_000 } };
    const asked: Estimate = { input: 500, output: 1_000 };
    const spend = async (timezone: string, run: string) => {
      const next = attempt(fence, { run });
      const got = await reserve(db, next, asked, budgets(limits, timezone));
      if (got.kind === 'granted') await use(db, next.id, 1_900);
      return got;
    };
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-03-28T22:30:00Z') });
    try {
      expect(await spend('Europe/Vienna', 'one')).toMatchObject({ kind: 'granted' });
      expect(await spend('Europe/Vienna', 'two')).toMatchObject({ kind: 'over', day: '2026-03-28' });
      vi.setSystemTime(Date.parse('2026-03-28T23:00:00Z'));
      expect(await spend('Europe/Vienna', 'two')).toMatchObject({ kind: 'granted' });
      expect(await spend('Europe/Vienna', 'three')).toMatchObject({ kind: 'over', day: '2026-03-29' });
      // In New York it is still the 28th, and the clock goes back two days: neither is a new day.
      expect(await spend('America/New_York', 'three')).toMatchObject({ kind: 'over', day: '2026-03-29' });
      vi.setSystemTime(Date.parse('2026-03-26T12:00:00Z'));
      expect(await spend('Europe/Vienna', 'three')).toMatchObject({ kind: 'over', day: '2026-03-29' });
      expect(await currentDay(db, 'Europe/Vienna')).toBe('2026-03-29');
    } finally {
      vi.useRealTimers();
    }
  });
});

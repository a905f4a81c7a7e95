/** The owner's word on a budget: decided once in one row, told to every run that waits, told again when that was lost. */
import { describe, expect, it, vi } from 'vitest';
import { createBus } from '../../src/bus/bus.js';
import type { BudgetLimits } from '../../src/core/budget.js';
import { createBudgetControl } from '../../src/sessions/budgets.js';
import { createSweeper } from '../../src/sessions/sweeper.js';
import { questionById } from '../../src/storage/budget-questions.js';
import { type Reserving, reserve, settle } from '../../src/storage/ledger.js';
import { createSpendingReader } from '../../src/storage/spending.js';
import { openSession } from '../storage/store.js';
import { makeHouse } from './house.js';

const asked = { input: 500, output: 1_000 };
const KEYS = ['agent:main:one', 'agent:main:two'];

/** Two sessions wait for one question about the day. */
async function waiting(first: BudgetLimits = { day: { tokens: 2_000 } }) {
  const house = await makeHouse();
  let limits = first;
  const budgets = () => ({ limits, timezone: 'UTC' });
  const control = createBudgetControl({ ...house, events: createBus(), budgets });
  const spend = async (over: Partial<Reserving> & Pick<Reserving, 'fence'>) => {
    const at: Reserving = { id: `id ${over.run ?? 'earlier'}`, run: 'earlier', runId: 'earlier', step: 1, attempt: 1, agent: 'main', provider: 'fake', model: 'one', ...over };
    return reserve(house.db, at, asked, budgets());
  };
  const earlier = await openSession(house.db, 'agent:main:earlier');
  await spend({ fence: earlier });
  await house.db.transaction().execute((tx) => settle(tx, 'id earlier', { tokens: 1_800, usd: 0 }));
  const got = [];
  for (const [i, key] of KEYS.entries()) got.push(await spend({ fence: await openSession(house.db, key), run: `run-${i}`, runId: `r${i}` }));
  const question = got[0]!.kind === 'over' ? got[0]!.question : '';
  return { ...house, control, question, budgets, spend, config: (next: BudgetLimits) => void (limits = next), told: () => house.engine.answers.map(({ session }) => session) };
}

describe('an answer', () => {
  it.each([['raise', 'raised'], ['once', 'once'], ['stop', 'stopped']] as const)('%s is told to every session that waits', async (answer, state) => {
    const { control, question, told, engine } = await waiting();
    expect(await control.answer(question, answer, {}, 'owner')).toMatchObject({ state, answeredBy: 'owner', waiting: [{ runId: 'r0' }, { runId: 'r1' }] });
    expect(told()).toEqual(KEYS);
    expect(engine.answers[0]!.answer).toEqual({ question });
  });

  it('raises by the limit, or by what is named', async () => {
    const { control, question, db, budgets } = await waiting();
    await control.answer(question, 'raise', { tokens: 300, usd: 9 }, 'owner');
    const { lines, day } = await createSpendingReader(db, budgets).overview();
    expect(lines.find(({ scope }) => scope === 'day')).toEqual({ line: `day:${day}`, scope: 'day', of: day, limit: { tokens: 2_300 }, raised: { tokens: 300, usd: 0 }, spent: { tokens: 1_800, usd: 0 }, held: { tokens: 0, usd: 0 } });
  });

  it('again is the same answer; another one is refused with what it was answered with', async () => {
    const { control, question, told, db } = await waiting();
    await control.answer(question, 'once', {}, 'owner');
    expect(await control.answer(question, 'once', {}, 'somebody')).toMatchObject({ state: 'once', answeredBy: 'owner' });
    expect(told()).toHaveLength(2);
    await expect(control.answer(question, 'stop', {}, 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringMatching(/already once by owner/) });
    await expect(control.answer('bq-nothing', 'stop', {}, 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('bq-nothing') });
    expect(await questionById(db, question)).toMatchObject({ state: 'once' });
  });

  it('raise that adds nothing is refused, and the question stays open', async () => {
    const { control, question, db } = await waiting();
    await expect(control.answer(question, 'raise', { usd: 5 }, 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('--tokens') });
    expect(await questionById(db, question)).toMatchObject({ state: 'open' });
  });

  it('that found the engine away is kept, and signalled again by the sweeper until the runs have heard', async () => {
    const { control, question, engine, told, db, log, spend } = await waiting();
    engine.away = new Error('down');
    await control.answer(question, 'once', {}, 'owner');
    expect(told()).toEqual([]);
    engine.away = undefined;
    const sweeper = createSweeper({ db, engine, log, passes: [() => Promise.reject(new Error('another pass')), () => control.sweep()] });
    await sweeper.sweep();
    expect(told(), 'a moment old: its signal may be on its way').toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6_000 });
    try {
      await sweeper.sweep();
      expect(told()).toEqual(KEYS);
      expect(await spend({ fence: await openSession(db, KEYS[0]), run: 'run-0', runId: 'r0', id: 'again' })).toMatchObject({ kind: 'granted' });
      await sweeper.sweep();
      expect(told().slice(2)).toEqual([KEYS[1]]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a question lifts by itself', () => {
  it('when the limit was raised or taken out of the config, and not while nothing has changed', async () => {
    const { control, question, db, told, config } = await waiting();
    await control.sweep();
    config({ day: { tokens: 1_900 } });
    await control.sweep();
    expect(await questionById(db, question)).toMatchObject({ state: 'open' });
    config({ day: { tokens: 5_000 } });
    await control.sweep();
    expect(await questionById(db, question)).toMatchObject({ state: 'lifted' });
    expect(told()).toEqual(KEYS);
  });

  it('when there is no such limit any more', async () => {
    const { control, question, db, config } = await waiting();
    config({ month: { tokens: 10 } });
    await control.sweep();
    expect(await questionById(db, question)).toMatchObject({ state: 'lifted' });
  });

  it('when its day is over', async () => {
    const { control, question, db, told } = await waiting();
    const lines = db.updateTable('meta').set({ value: '2999-01-01' }).where('name', '=', 'budget_day');
    await lines.execute();
    await control.sweep();
    expect(await questionById(db, question)).toMatchObject({ state: 'lifted' });
    expect(told()).toEqual(KEYS);
  });
});

it('a pass forgets attempts that were lost long ago', async () => {
  const { control, db } = await waiting();
  const of = (): Promise<unknown> => db.selectFrom('reservations').select('id').where('id', '=', 'id lost').executeTakeFirst();
  const about = { session: KEYS[0]!, run: 'old', step: 1, attempt: 1, agent: 'main', day: '2020-01-01', provider: 'fake', model: 'one', input: 1, output: 1, usd: 0 };
  await db.insertInto('reservations').values({ id: 'id lost', ...about, state: 'lost', owner_pid: 1, owner_start: '', owner_boot: '', reserved_at: 1, settled_at: 1 }).execute();
  expect(await of()).toBeDefined();
  await control.sweep();
  expect(await of()).toBeUndefined();
});

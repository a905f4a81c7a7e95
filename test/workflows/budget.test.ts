/** Budgets through the real workflow: a turn pauses at a limit, waits for one word of the owner, and goes on or ends. */
import { expect, test } from 'vitest';
import type { BudgetLimits } from '../../src/core/budget.js';
import type { SessionView } from '../../src/core/run.js';
import { createBudgetControl } from '../../src/sessions/budgets.js';
import { openQuestions } from '../../src/storage/budget-questions.js';
import { type ScriptedModels, callsTools, newestResults, says, scriptedModels, stream, tool, toolset } from '../servers/scripted.js';
import { textResult } from '../../src/activities/tools/types.js';
import { type HouseOptions, useServer } from './harness.js';

const { session, open: openHouse } = useServer('b');

/** The scripted model may say 1,000 tokens and says 5: a call needs more than a thousand to be free. */
async function open(options: Partial<HouseOptions> & { readonly limits?: BudgetLimits } = {}) {
  let limits = options.limits ?? {};
  const models = options.models ? (options.models as ScriptedModels) : scriptedModels();
  const house = await openHouse({ ...options, models, budgets: () => limits });
  const { deps } = house;
  const control = createBudgetControl({ db: house.db, engine: house.engine, events: deps.events, log: deps.log, budgets: deps.budgets });
  /** The one open question, once `waiting` runs wait for it. */
  const question = async (waiting = 1) => {
    await house.until(`${waiting} runs wait`, async () => (await openQuestions(house.db))[0]?.waiting.length === waiting);
    const all = await openQuestions(house.db);
    expect(all).toHaveLength(1);
    return all[0]!;
  };
  const shown = (key: string, state: SessionView['state']) => house.until(`${key} is ${state}`, async () => (await house.engine.view(key))?.state === state);
  return { ...house, models, control, question, shown, config: (next: BudgetLimits) => void (limits = next) };
}

let spent = 0;
/** Uses tokens up: what is left of `limit` is less than one call needs. */
async function spend(h: Awaited<ReturnType<typeof open>>, tokens: number): Promise<void> {
  h.models.on('use up', (_request, options) => stream({ ...says('used'), usage: { input: tokens, output: 0, cacheRead: 0, cacheWrite: 0 } }, options));
  const run = `spend-${++spent}`;
  await h.send(session(), run, 'use up');
  await h.ended(run);
}

test('raised, the paused turn goes on where it stood; it had asked the model nothing', async () => {
  const h = await open({ limits: { agent: { tokens: 5_000 } } });
  await spend(h, 4_800);
  const key = session();
  await h.send(key, 'paused', 'hello');
  const question = await h.question();
  expect(question).toMatchObject({ line: 'agent:main', scope: 'agent', unit: 'tokens', limit: 5_000, spent: 4_800, waiting: [{ runId: 'paused', session: key }] });
  await h.shown(key, 'waiting-budget');
  expect(await h.engine.view(key)).toMatchObject({ asks: [question.id], turn: { step: 1 } });
  expect(h.models.requests).toHaveLength(1);
  await h.control.answer(question.id, 'raise', {}, 'owner');
  expect(await h.ended('paused')).toMatchObject({ state: 'ok', outcome: { text: 'echo: hello' } });
  expect(h.models.requests).toHaveLength(2);
  const told = h.events.flatMap((event) => (event.type === 'budget' && event.runId === 'paused' ? [event.question] : []));
  expect(new Set(told)).toEqual(new Set([question.id]));
  expect(told.length).toBeGreaterThanOrEqual(2);
});

test('two sessions at one limit are one question; `once` lets both pass it for all their steps, and a later run is asked about anew', async () => {
  const h = await open({ limits: { day: { tokens: 5_000 } }, tools: toolset(tool('look', 'read-only', async () => textResult('seen'))) });
  h.models.on('twice', (request) => (newestResults(request).length === 0 ? callsTools({ name: 'look' }) : says('done')));
  await spend(h, 4_900);
  const [a, b] = [session(), session()];
  await h.send(a, 'a', 'twice');
  await h.send(b, 'b', 'twice');
  const question = await h.question(2);
  await h.control.answer(question.id, 'once', {}, 'owner');
  for (const run of ['a', 'b']) expect(await h.ended(run)).toMatchObject({ state: 'ok', outcome: { text: 'done' } });
  await h.send(session(), 'later', 'hello');
  expect((await h.question()).id).not.toBe(question.id);
});

test('stopped, the run fails and says which budget; another of the session runs when there is room', async () => {
  const h = await open({ limits: { session: { tokens: 3_000 } } });
  const key = session();
  h.models.on('much', (_request, options) => stream({ ...says('much'), usage: { input: 2_900, output: 0, cacheRead: 0, cacheWrite: 0 } }, options));
  await h.send(key, 'first', 'much');
  await h.ended('first');
  await h.send(key, 'second', 'hello');
  const question = await h.question();
  expect(question).toMatchObject({ scope: 'session', line: `session:${key}` });
  await h.control.answer(question.id, 'stop', {}, 'owner');
  const ended = await h.ended('second');
  expect(ended).toMatchObject({ state: 'error', outcome: { code: 'BudgetExceeded', errorMessage: expect.stringMatching(/budget of this session.*limit 3000 tokens, spent 2900 tokens, the call needs \d+ tokens or more.*said stop.*asked anew.*budgets\.session\.tokens/) } });
  h.config({});
  await h.send(key, 'third', 'hello');
  expect(await h.ended('third')).toMatchObject({ state: 'ok' });
});

/** A session whose turn waits for the owner's word on what the agent may use. */
async function paused() {
  const h = await open({ limits: { agent: { tokens: 5_000 } } });
  await spend(h, 4_900);
  const key = session();
  const { run } = await h.send(key, 'paused', 'hello');
  const question = await h.question();
  await h.shown(key, 'waiting-budget');
  return { h, key, run, question };
}

test('a chain that was terminated while paused waits on, and the answer reaches the one that took its place', async () => {
  const { h, key, question } = await paused();
  await h.handle(key).terminate('by hand');
  await h.sweeper.sweep();
  await h.shown(key, 'waiting-budget');
  expect((await h.question()).id).toBe(question.id);
  expect(h.models.requests).toHaveLength(1);
  await h.control.answer(question.id, 'once', {}, 'owner');
  expect(await h.ended('paused')).toMatchObject({ state: 'ok', outcome: { text: 'echo: hello' } });
});

test('an answer that came while nobody worked is found in the rows', async () => {
  const { h, question } = await paused();
  await h.stopWorkers();
  await h.control.answer(question.id, 'raise', {}, 'owner');
  await h.startWorkers();
  expect(await h.ended('paused')).toMatchObject({ state: 'ok' });
});

test('a limit raised in the config lifts the question by the next sweep', async () => {
  const h = await open({ limits: { agent: { tokens: 5_000 } } });
  await spend(h, 4_900);
  await h.send(session(), 'paused', 'hello');
  await h.question();
  h.config({ agent: { tokens: 9_000 } });
  await h.control.sweep();
  expect(await h.ended('paused')).toMatchObject({ state: 'ok' });
  expect(await openQuestions(h.db)).toEqual([]);
});

test('a paused run that is stopped leaves its question, which is closed with its last run', async () => {
  const { h, key, run } = await paused();
  await h.control.sweep();
  expect(await openQuestions(h.db)).toHaveLength(1);
  await h.engine.stop({ session: key, agent: 'main', channel: 'rpc' }, { runs: [run], by: 'owner' });
  expect(await h.ended('paused')).toMatchObject({ state: 'aborted' });
  expect(await openQuestions(h.db)).toEqual([]);
});

test('what others hold is waited for inside the call, and asks nobody', async () => {
  const h = await open({ limits: { day: { tokens: 1_800 } } });
  const { promise: gate, resolve: release } = Promise.withResolvers<void>();
  h.models.on('hold', async () => {
    await gate;
    return says('held');
  });
  await h.send(session(), 'first', 'hold');
  await h.until('the first is asked', () => h.models.requests.length === 1);
  const key = session();
  await h.send(key, 'second', 'hello');
  await h.until('the second waits', async () => (await h.engine.view(key))?.turn?.step === 1);
  // Several polls long.
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(h.models.requests).toHaveLength(1);
  expect(await openQuestions(h.db)).toEqual([]);
  release();
  for (const run of ['first', 'second']) expect(await h.ended(run)).toMatchObject({ state: 'ok' });
});

test('a call that is stopped while it streams counts what the provider had said, and a failure before the first word nothing', async () => {
  const h = await open();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  h.models.on('endless', (_request, { onEvent, signal }) => {
    onEvent({ type: 'usage', usage: { input: 700, output: 1, cacheRead: 20, cacheWrite: 0 } });
    onEvent({ type: 'text', delta: 'x'.repeat(350) });
    begin();
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  const key = session();
  const { run } = await h.send(key, 'stopped', 'endless');
  await begun;
  await h.engine.stop({ session: key, agent: 'main', channel: 'rpc' }, { runs: [run], by: 'owner' });
  await h.ended('stopped');
  const line = (of: string) => h.db.selectFrom('ledger').selectAll().where('line', '=', of).executeTakeFirstOrThrow();
  // The provider had counted one token of output; 350 letters are a hundred.
  expect((await h.reader.timeline(run)).attempts).toMatchObject([{ state: 'aborted', usage: { input: 700, output: 100, cacheRead: 20 }, costUsd: 0.00092 }]);
  expect(await line(`run:${run}`)).toMatchObject({ tokens: 820, held_tokens: 0, usd: expect.closeTo(0.00092, 8) });

  h.models.on('refused', () => {
    throw new Error('no connection');
  });
  const other = session();
  const second = await h.send(other, 'refused', 'refused');
  await h.until('it failed once', async () => (await h.reader.timeline(second.run)).attempts.length > 0);
  await h.engine.stop({ session: other, agent: 'main', channel: 'rpc' }, { runs: [second.run], by: 'owner' });
  await h.ended('refused');
  expect(await line(`run:${second.run}`)).toMatchObject({ tokens: 0, held_tokens: 0, usd: 0 });
});

test('a request asks for no more output than the budget has left', async () => {
  const models = scriptedModels(['fake/wordy']);
  const h = await open({ models, limits: { run: { tokens: 3_000 } } });
  await h.send(session(), 'short', 'hello');
  expect(await h.ended('short')).toMatchObject({ state: 'ok' });
  const [request] = models.requests;
  expect(request!.maxTokens).toBeGreaterThan(2_500);
  expect(request!.maxTokens).toBeLessThan(3_000);
});

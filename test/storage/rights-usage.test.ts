/** Rights sets by id, and what attempts cost. */
import { describe, expect, it } from 'vitest';
import type { Usage } from '../../src/core/model.js';
import { OWNER_RIGHTS, mayUse, rightsId, rightsOf } from '../../src/storage/rights.js';
import type { ToolAttempt } from '../../src/core/rows.js';
import { type ByChain, type ModelAttempt, modelAttempts, recordModelAttempt, recordToolAttempt, toolAttempts, usageOfRuns } from '../../src/storage/usage.js';
import { SESSION, makeStore } from './store.js';

describe('rights', () => {
  it('of the same content have the same id, whoever writes them and how often', async () => {
    const { db } = await makeStore();
    const id = await rightsId(db, { tools: ['read', 'ls'] });
    expect(await rightsId(db, { tools: ['read', 'ls'] })).toBe(id);
    expect(await rightsId(db, { tools: ['read'] })).not.toBe(id);
    expect(await rightsId(db, OWNER_RIGHTS)).not.toBe(id);
    expect(await rightsOf(db, id)).toEqual({ tools: ['read', 'ls'] });
    expect(await db.selectFrom('rights').selectAll().execute()).toHaveLength(3);
  });

  it('of an unknown id are none', async () => {
    const { db } = await makeStore();
    const rights = await rightsOf(db, 'made up');
    expect(rights).toEqual({ tools: [] });
    expect(mayUse(rights, 'read')).toBe(false);
  });

  it('name the tools they allow; a star allows all', () => {
    expect(mayUse(OWNER_RIGHTS, 'exec')).toBe(true);
    expect(mayUse({ tools: ['read'] }, 'read')).toBe(true);
    expect(mayUse({ tools: ['read'] }, 'exec')).toBe(false);
    expect(mayUse({ tools: ['*'] }, 'exec')).toBe(false);
  });
});

const usage = (input: number, output: number): Usage => ({ input, output, cacheRead: 1, cacheWrite: 2 });
const attempt = (over: Partial<ModelAttempt & ByChain> = {}): ModelAttempt & ByChain => ({
  session: SESSION, run: 'run', step: 1, attempt: 1, generation: 1, provider: 'anthropic', model: 'opus', usage: usage(10, 5), costUsd: 0.5, outcome: 'ok', startedAt: 100, endedAt: 200, ...over,
});

describe('an attempt of a model call', () => {
  it('is recorded once: a repeated write changes nothing', async () => {
    const { db } = await makeStore();
    await recordModelAttempt(db, attempt());
    await recordModelAttempt(db, attempt({ usage: usage(999, 999), costUsd: 99, outcome: 'Network' }));
    expect(await modelAttempts(db, 'run')).toEqual([expect.objectContaining({ attempt: 1, outcome: 'ok', usage: usage(10, 5), costUsd: 0.5 })]);
  });

  it('is a row of its own for each attempt, step and model, also for failed ones, in order of time', async () => {
    const { db } = await makeStore();
    await recordModelAttempt(db, attempt({ step: 2, startedAt: 400 }));
    await recordModelAttempt(db, attempt({ attempt: 1, outcome: 'Overloaded', startedAt: 100 }));
    await recordModelAttempt(db, attempt({ attempt: 2, outcome: 'Overloaded', startedAt: 200 }));
    await recordModelAttempt(db, attempt({ attempt: 1, provider: 'openai', model: 'gpt', startedAt: 300 }));
    await recordModelAttempt(db, attempt({ run: 'other' }));
    expect((await modelAttempts(db, 'run')).map((a) => [a.step, a.provider, a.attempt, a.outcome])).toEqual([[1, 'anthropic', 1, 'Overloaded'], [1, 'anthropic', 2, 'Overloaded'], [1, 'openai', 1, 'ok'], [2, 'anthropic', 1, 'ok']]);
  });

  it('of a restarted workflow, which counts attempts anew, is a row of its own too: it was paid for', async () => {
    const { db } = await makeStore();
    await recordModelAttempt(db, attempt({ generation: 1, outcome: 'Network', startedAt: 100 }));
    await recordModelAttempt(db, attempt({ generation: 2, startedAt: 300 }));
    expect((await modelAttempts(db, 'run')).map((a) => a.outcome)).toEqual(['Network', 'ok']);
  });
});

describe('usage of runs', () => {
  it('is the sum over their attempts, run by run', async () => {
    const { db } = await makeStore();
    await recordModelAttempt(db, attempt({ outcome: 'Network', usage: usage(3, 0), costUsd: 0.25 }));
    await recordModelAttempt(db, attempt({ attempt: 2 }));
    await recordModelAttempt(db, attempt({ step: 2, usage: usage(100, 50), costUsd: 1 }));
    await recordModelAttempt(db, attempt({ run: 'other', usage: usage(7, 7) }));
    const sums = await usageOfRuns(db, ['run', 'other', 'nothing']);
    expect(sums.get('run')).toMatchObject({ usage: { input: 113, output: 55, cacheRead: 3, cacheWrite: 6 }, costUsd: 1.75, steps: 2, model: 'anthropic/opus' });
    expect(sums.get('other')).toMatchObject({ usage: { input: 7 } });
    expect(sums.has('nothing')).toBe(false);
    expect((await usageOfRuns(db, [])).size).toBe(0);
  });

  it('names the model that was asked last, never a mixture of two', async () => {
    const { db } = await makeStore();
    await recordModelAttempt(db, attempt({ provider: 'openai', model: 'alpha', outcome: 'Overloaded', startedAt: 100 }));
    await recordModelAttempt(db, attempt({ provider: 'anthropic', model: 'zeta', startedAt: 200 }));
    expect((await usageOfRuns(db, ['run'])).get('run')?.model).toBe('anthropic/zeta');
  });
});

describe('an attempt of a tool call', () => {
  const call = (over: Partial<ToolAttempt & ByChain> = {}): ToolAttempt & ByChain => ({ session: SESSION, run: 'run', step: 1, index: 0, attempt: 1, generation: 1, tool: 'exec', outcome: 'failed', startedAt: 100, endedAt: 200, ...over });

  it('is recorded once, each attempt, call and step on its own, in order of time', async () => {
    const { db } = await makeStore();
    await recordToolAttempt(db, call({ attempt: 2, outcome: 'ok', startedAt: 300 }));
    await recordToolAttempt(db, call());
    await recordToolAttempt(db, call({ outcome: 'ok' }));
    await recordToolAttempt(db, call({ index: 1, tool: 'read', outcome: 'ok', startedAt: 150 }));
    await recordToolAttempt(db, call({ generation: 2, outcome: 'ok', startedAt: 400 }));
    await recordToolAttempt(db, call({ run: 'other' }));
    expect((await toolAttempts(db, 'run')).map((a) => [a.index, a.attempt, a.tool, a.outcome])).toEqual([[0, 1, 'exec', 'failed'], [1, 1, 'read', 'ok'], [0, 2, 'exec', 'ok'], [0, 1, 'exec', 'ok']]);
  });
});

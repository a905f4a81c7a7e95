/** The small rules of the vocabulary: budgets, model references and cost, clipping, names a model may have invented. */
import { describe, expect, it } from 'vitest';
import { BUDGET_SCOPES, budgetKey } from '../../src/core/budget.js';
import { costUsd, splitModelRef } from '../../src/core/model.js';
import { LIMITS, channelQueue, clip, hostQueue, sessionWorkflowId } from '../../src/core/names.js';
import { INVALID_TOOL_NAME, safeToolName } from '../../src/core/tool.js';
import { TERMINAL_STATES, isTerminal } from '../../src/core/run.js';

describe('budgets', () => {
  const at = { run: 'r', session: 'agent:main:main', agent: 'main', day: '2026-07-31' };

  it('have one ledger line for each scope, and no two scopes share one', () => {
    expect(BUDGET_SCOPES.map((scope) => budgetKey(scope, at))).toEqual(['run:r', 'session:agent:main:main', 'agent:main', 'day:2026-07-31', 'month:2026-07']);
    const same = { run: '2026-07', session: '2026-07', agent: '2026-07', day: '2026-07' };
    expect(new Set(BUDGET_SCOPES.map((scope) => budgetKey(scope, same))).size).toBe(BUDGET_SCOPES.length);
  });
});

describe('a model reference', () => {
  it.each([
    ['anthropic/claude-opus-4-6', { provider: 'anthropic', model: 'claude-opus-4-6' }],
    ['openrouter/meta/llama-4', { provider: 'openrouter', model: 'meta/llama-4' }],
    ['claude', undefined], ['/claude', undefined], ['anthropic/', undefined], ['', undefined], ['/', undefined],
  ])('%j splits at its first slash', (ref, split) => {
    expect(splitModelRef(ref)).toEqual(split);
  });
});

describe('cost', () => {
  const usage = { input: 1_000_000, output: 500_000, cacheRead: 2_000_000, cacheWrite: 1_000_000 };

  it('is the sum over the four kinds of tokens, in dollars for each million', () => {
    expect(costUsd({ input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }, usage)).toBeCloseTo(5 + 12.5 + 1 + 6.25, 10);
  });
  it('counts cached tokens as input where the provider has no price for them', () => {
    expect(costUsd({ input: 5, output: 25 }, usage)).toBeCloseTo(5 + 12.5 + 10 + 5, 10);
  });
  it('is unknown, not zero, without a price; and zero for a free model', () => {
    expect(costUsd(undefined, usage)).toBeUndefined();
    expect(costUsd({ input: 0, output: 0 }, usage)).toBe(0);
  });
});

describe('clip', () => {
  it('makes one line of any text', () => {
    expect(clip('  a\n\n b\t\u00a0c  ')).toBe('a b c');
  });
  it('keeps a line that fits and marks one that does not', () => {
    expect(clip('x'.repeat(LIMITS.summary))).toBe('x'.repeat(LIMITS.summary));
    expect(clip('x'.repeat(LIMITS.summary + 1))).toBe(`${'x'.repeat(LIMITS.summary - 1)}…`);
    expect(clip('abcdef', 4)).toBe('abc…');
  });
  it('never leaves half of a surrogate pair', () => {
    for (let max = 2; max < 12; max += 1) expect(clip('a🙂b🙂c🙂d🙂', max).isWellFormed(), `at ${max}`).toBe(true);
  });
});

describe('the name of a tool as the model gave it', () => {
  it.each(['read', 'web_fetch', 'A-b_9', 'x'.repeat(64)])('%s is used as it is', (name) => {
    expect(safeToolName(name)).toBe(name);
  });
  it.each(['', ' read', 'read\n', '9read', '_read', 'a.b', 'a/b', '__proto__', 'x'.repeat(65), 'naïve', '../x', 'a b'])('%j becomes the name of no tool', (name) => {
    expect(safeToolName(name)).toBe(INVALID_TOOL_NAME);
  });
});

describe('names that reach Temporal', () => {
  it('are those that running installations already use', () => {
    expect([sessionWorkflowId('agent:main:main'), hostQueue('ab'), channelQueue('telegram', 'bot')]).toEqual(['session:agent:main:main', 'openclaw-host-ab', 'openclaw-channel-telegram-bot']);
  });
});

it('a run is over in exactly five states', () => {
  expect(TERMINAL_STATES).toEqual(['ok', 'error', 'aborted', 'merged', 'dropped']);
  for (const state of ['accepted', 'held', 'signalled', 'taken'] as const) expect(isTerminal(state)).toBe(false);
});

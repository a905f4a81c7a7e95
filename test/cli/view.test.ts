/** What a person sees on a terminal while a run goes on. */
import { describe, expect, test } from 'vitest';
import { createAgentView } from '../../src/cli/lib/agent-view.js';
import { moveRootFlags } from '../../src/cli/lib/argv.js';
import { showRun } from '../../src/cli/lib/run-view.js';
import { box, columns, duration, money, oneLine } from '../../src/cli/lib/terminal.js';
import { parseValue } from '../../src/cli/lib/value.js';

function screen() {
  let all = '';
  const view = createAgentView({ text: (text) => (all += text), aside: (line) => (all += `{${line}}\n`) });
  const say = (text: string, itemId = 'msg:1') => view.handle({ stream: 'assistant', data: { text, itemId } });
  return { view, say, get all() { return all; } };
}

describe('the streamed answer stands once', () => {
  test('plain', () => {
    const at = screen();
    at.say('Hel');
    at.say('Hello');
    at.view.finish('Hello');
    expect(at.all).toBe('Hello\n');
  });

  test('frames lost on the way: the rest is added at the end', () => {
    const at = screen();
    at.say('Hel');
    at.view.finish('Hello there');
    expect(at.all).toBe('Hello there\n');
  });

  test('nothing was streamed', () => {
    const at = screen();
    at.view.finish('Hello');
    expect(at.all).toBe('Hello\n');
  });

  test('a replayed frame writes nothing twice', () => {
    const at = screen();
    at.say('Hello');
    at.say('Hello');
    at.view.finish('Hello');
    expect(at.all).toBe('Hello\n');
  });

  test('a new attempt with other words starts a new line', () => {
    const at = screen();
    at.say('Wrong');
    at.say('Right');
    at.view.finish('Right');
    expect(at.all).toBe('Wrong\nRight\n');
  });

  test('tool calls are lines between the texts', () => {
    const at = screen();
    at.say('Let me look.');
    at.view.handle({ stream: 'tool', data: { phase: 'start', name: 'exec', args: { command: 'ls -la' } } });
    at.view.handle({ stream: 'tool', data: { phase: 'result', name: 'exec', isError: true, result: { content: [{ type: 'text', text: 'no\nsuch' }] } } });
    at.say('Nothing.', 'msg:2');
    at.view.finish('Nothing.');
    expect(at.all).toBe('Let me look.\n{· exec ls -la}\n{ exec failed: no such}\nNothing.\n'.replace('{ exec', '{exec'));
  });
});

test('root flags may stand before the command', () => {
  expect(moveRootFlags(['--profile', 'x', '--dev', 'status', '--json'])).toEqual(['status', '--json', '--profile', 'x', '--dev']);
  expect(moveRootFlags(['--profile=x', 'agent', '--', '-m'])).toEqual(['agent', '--profile=x', '--', '-m']);
  expect(moveRootFlags(['status', '--dev'])).toEqual(['status', '--dev']);
});

test('amounts for people', () => {
  expect([0, 999, 3_200, 59_990, 250_000, 7_500_000, 2 * 86_400_000].map(duration)).toEqual(['0 ms', '999 ms', '3.2 s', '1 min', '4 min 10 s', '2 h 5 min', '2 d']);
  expect([undefined, 0, 0.0012, 1.5].map(money)).toEqual(['-', '$0', '$0.0012', '$1.50']);
  expect(oneLine('a\n\u001b[31mb\u0007', 10)).toBe('a b');
  expect(columns([['a', 'bb'], ['ccc', 'd']])).toBe('a    bb\nccc  d');
  expect(box([['a', 'b']])).toBe('┌───┬───┐\n│ a │ b │\n└───┴───┘');
});

test('values typed at the shell', () => {
  expect([parseValue('3'), parseValue('true'), parseValue('[1,]'), parseValue('a/b'), parseValue("'x'")]).toEqual([3, true, [1], 'a/b', 'x']);
  expect(() => parseValue('{a: ')).toThrow(/cannot be read/);
});

test('a run\'s timeline names steps, retries, failovers, tools and the link', () => {
  const text = showRun({
    run: { runId: 'r', sessionKey: 'agent:main:main', state: 'ok', acceptedAt: 0, startedAt: 1_500, endedAt: 9_000, waitedMs: 1_500, durationMs: 7_500, provider: 'p', model: 'm', text: 'done', webUrl: 'http://127.0.0.1:8233/x' },
    steps: [
      {
        step: 1,
        attempts: [
          { attempt: 1, provider: 'p', model: 'm', state: 'error', code: 'Overloaded', startedAt: 1_600, durationMs: 100 },
          { attempt: 2, provider: 'p', model: 'm', state: 'open', startedAt: 1_700 },
          { attempt: 1, provider: 'q', model: 'n', state: 'ok', startedAt: 2_000, durationMs: 900, usage: { totalTokens: 1_200, cost: { total: 0.02 } } },
        ],
        tools: [{ index: 0, tool: 'exec', args: { command: 'ls' }, state: 'ok', endedAt: 4_000, durationMs: 80 }],
        notes: [],
      },
    ],
    totals: { modelCalls: 3, retries: 2, toolCalls: 1, usage: { totalTokens: 1_200 }, costUsd: 0.02 },
  });
  for (const part of ['http://127.0.0.1:8233/x', 'after 1.5 s in the queue', 'model     p/m', 'retry     p/m', 'failover  q/n', 'Overloaded', 'cut off', '1200 tokens, $0.02', 'tool      exec ls', '3 model, 1 tool, 2 retries', 'done']) {
    expect(text).toContain(part);
  }
});

test('a run that waits for a budget says so, with the command; an attempt that vanished says that it is an estimate', () => {
  const text = showRun({
    run: { runId: 'r', sessionKey: 'agent:main:main', state: 'running', acceptedAt: 0, startedAt: 1, endedAt: null, waitsForBudget: { id: 'bq-1', scope: 'day', unit: 'usd', limit: 5, spent: 4.99, needs: 0.02 } },
    steps: [{ step: 1, attempts: [{ attempt: 1, provider: 'p', model: 'm', state: 'error', code: 'lost', startedAt: 2, usage: { totalTokens: 33_000 } }], tools: [] }],
  });
  expect(text).toContain('the budget of this day (limit $5.00, spent $4.99, the next call needs $0.02 or more). Raise the limit: openclaw budgets answer bq-1 raise; or let');
  expect(text).toContain('lost: counted at its estimate');
});

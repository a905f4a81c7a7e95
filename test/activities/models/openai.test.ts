/** What only Chat Completions has: its many speakers, and servers that number calls in their own way. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ThinkingLevel } from '../../../src/core/model.js';
import { startModelServer, type ModelServer } from '../../servers/model-server.js';
import { answered, call, failure, provider, request, result, user } from './helpers.js';

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());
const last = () => server.requests.at(-1)!.body;
const as = (id: string) => provider('openai', server.baseUrl('openai'), { id });
const chunk = (delta: Record<string, unknown>, finish_reason: string | null = null) => ({ choices: [{ index: 0, delta, finish_reason }] });
const end = chunk({}, 'tool_calls');

describe('calls are put together from', () => {
  const cases: readonly (readonly [string, readonly Record<string, unknown>[]])[] = [
    ['pieces with index and id', [chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'exec', arguments: '{"command":' } }] }), chunk({ tool_calls: [{ index: 1, id: 'b', function: { name: 'read', arguments: '{"path":"x"}' } }] }), chunk({ tool_calls: [{ index: 0, function: { arguments: '"ls"}' } }] })]],
    ['whole calls without an index', [chunk({ tool_calls: [{ id: 'a', function: { name: 'exec', arguments: '{"command":"ls"}' } }, { id: 'b', function: { name: 'read', arguments: '{"path":"x"}' } }] })]],
    ['whole calls that are all number 0', [chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'exec', arguments: '{"command":"ls"}' } }] }), chunk({ tool_calls: [{ index: 0, id: 'b', function: { name: 'read', arguments: '{"path":"x"}' } }] })]],
    ['whole calls that are all number 0 and have the same id', [chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'exec', arguments: '{"command":"ls"}' } }] }), chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'read', arguments: '{"path":"x"}' } }] })]],
    ['pieces without index or id', [chunk({ tool_calls: [{ function: { name: 'exec', arguments: '{"command"' } }] }), chunk({ tool_calls: [{ function: { arguments: ':"ls"}' } }] }), chunk({ tool_calls: [{ function: { name: 'read', arguments: '{"path":"x"}' } }] })]],
    ['pieces that repeat name and id', [chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'exec', arguments: '{"comm' } }] }), chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'exec', arguments: 'and":"ls"}' } }] }), chunk({ tool_calls: [{ index: 1, id: 'b', function: { name: 'read', arguments: '{"path":"x"}' } }] })]],
    ['arguments that are an object', [chunk({ tool_calls: [{ index: 0, id: '', function: { name: 'exec', arguments: { command: 'ls' } } }, { index: 1, id: null, function: { name: 'read', arguments: { path: 'x' } } }] })]],
    ['indexes that begin at 1 and leave gaps', [chunk({ tool_calls: [{ index: 1, id: 'a', function: { name: 'exec', arguments: '{"command":"ls"}' } }, { index: 7, id: 'b', function: { name: 'read', arguments: '{"path":"x"}' } }] })]],
  ];
  test.each(cases)('%s', async (_, events) => {
    server.script({ kind: 'raw', events: [...events, end, 'data: [DONE]\n\n'] });
    const { answer } = await call(as('custom'), request('some-model', [user('go')]));
    expect(answer.calls.map(({ name, args }) => ({ name, args }))).toEqual([{ name: 'exec', args: { command: 'ls' } }, { name: 'read', args: { path: 'x' } }]);
    expect(answer.stop).toBe('tool_calls');
  });
});

test('calls with finish reason stop are calls; tool_calls without any is the text', async () => {
  server.script({ calls: [{ name: 'exec', args: {} }], stop: 'stop' }, { text: 'done', stop: 'tool_calls' });
  expect((await call(as('custom'), request('m', [user('a')]))).answer.stop).toBe('tool_calls');
  expect((await call(as('custom'), request('m', [user('a')]))).answer.stop).toBe('stop');
});

const params = ['max_tokens', 'max_completion_tokens', 'reasoning_effort', 'thinking', 'reasoning'];
test.each<[string, string, ThinkingLevel, boolean, Record<string, unknown>]>([
  ['openai', 'gpt-5.5', 'high', true, { max_completion_tokens: 4_096, reasoning_effort: 'none' }],
  ['openai', 'gpt-5.6-sol', 'off', true, { max_completion_tokens: 4_096, reasoning_effort: 'none' }],
  ['openai', 'gpt-5.5', 'minimal', false, { max_completion_tokens: 4_096, reasoning_effort: 'low' }],
  ['openai', 'gpt-5', 'off', true, { max_completion_tokens: 4_096, reasoning_effort: 'minimal' }],
  ['openai', 'gpt-4.1', 'high', true, { max_completion_tokens: 4_096 }],
  ['openai', 'o3', 'medium', true, { max_completion_tokens: 4_096, reasoning_effort: 'medium' }],
  ['deepseek', 'deepseek-v4-pro', 'off', true, { max_tokens: 4_096, thinking: { type: 'disabled' } }],
  ['deepseek', 'deepseek-v4-pro', 'medium', true, { max_tokens: 4_096, thinking: { type: 'enabled' }, reasoning_effort: 'high' }],
  ['gemini', 'gemini-3.5-flash', 'off', true, { max_tokens: 4_096, reasoning_effort: 'minimal' }],
  ['gemini', 'gemini-2.5-flash', 'off', true, { max_tokens: 4_096, reasoning_effort: 'none' }],
  ['openrouter', 'anthropic/claude-opus-4.6', 'high', true, { max_tokens: 4_096, reasoning: { effort: 'high' } }],
  ['ollama', 'qwen3:8b', 'high', true, { max_tokens: 4_096 }],
  ['custom', 'some-model', 'high', true, { max_tokens: 4_096 }],
])('%s %s with thinking %s (tools: %s) gets the parameters it takes', async (id, model, thinking, tools, expected) => {
  await call(as(id), request(model, [user('hi')], { thinking, ...(tools ? {} : { tools: [] }) }));
  expect(Object.fromEntries(Object.entries(last()).filter(([name]) => params.includes(name)))).toEqual(expected);
  expect(last()['stream_options']).toEqual({ include_usage: true });
});

test('Gemini’s thought signatures come back with their call; a foreign call gets the stand-in', async () => {
  const model = as('gemini');
  server.script({ kind: 'raw', events: [chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'exec', arguments: '{}' }, extra_content: { google: { thought_signature: 'sealed' } } }, { index: 1, id: 'b', function: { name: 'exec', arguments: '{}' } }] }), end] });
  const { answer } = await call(model, request('gemini-3.5-flash', [user('go')]));
  const messages = [user('go'), answered(answer, 1), result('call_1_0', 'x'), result('call_1_1', 'y')];
  await call(model, request('gemini-3.5-flash', messages));
  const extras = () => ((last()['messages'] as { tool_calls?: { extra_content?: unknown }[] }[]).find((message) => message.tool_calls)?.tool_calls ?? []).map((one) => one.extra_content);
  expect(extras()).toEqual([{ google: { thought_signature: 'sealed' } }, undefined]);
  await call(model, request('gemini-3-pro', messages));
  expect(extras()).toEqual([{ google: { thought_signature: 'skip_thought_signature_validator' } }, undefined]);
});

test('DeepSeek gets its reasoning back with its calls, and an empty one with foreign calls', async () => {
  const model = as('deepseek');
  server.script({ thinking: 'deep thought', calls: [{ name: 'exec', args: {} }] });
  const { answer } = await call(model, request('deepseek-v4-pro', [user('go')], { thinking: 'high' }));
  const assistant = () => (last()['messages'] as { role: string; reasoning_content?: string }[]).find((message) => message.role === 'assistant');
  await call(model, request('deepseek-v4-pro', [user('go'), answered(answer, 1), result('call_1_0', 'x')], { thinking: 'high' }));
  expect(assistant()?.reasoning_content).toBe('deep thought');
  const { reasoning: _, ...foreign } = answered(answer, 1);
  await call(model, request('deepseek-v4-pro', [user('go'), foreign, result('call_1_0', 'x')], { thinking: 'high' }));
  expect(assistant()?.reasoning_content).toBe('');
});

test('OpenRouter’s reasoning details come back whole, and Claude behind it is cached', async () => {
  const model = as('openrouter');
  const name = 'anthropic/claude-opus-4.6';
  const detail = (more: Record<string, unknown>) => chunk({ reasoning_details: [{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', ...more }] });
  server.script({ kind: 'raw', events: [{ ...detail({ text: 'one ' }) }, detail({ text: 'two', signature: null }), detail({ signature: 'sealed' }), chunk({ reasoning: 'one two' }), chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'exec', arguments: '{}' } }] }), end] });
  const { answer } = await call(model, request(name, [user('go')], { thinking: 'high' }));
  expect(answer.reasoning?.text).toBe('one two');
  await call(model, request(name, [user('go'), answered(answer, 1), result('call_1_0', 'x')], { thinking: 'high' }));
  const messages = last()['messages'] as { role: string; content: unknown; reasoning_details?: unknown }[];
  expect(messages[2]!.reasoning_details).toEqual([{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', text: 'one two', signature: 'sealed' }]);
  expect(messages[0]!.content).toMatchObject([{ cache_control: { type: 'ephemeral' } }]);
  expect(messages.at(-1)!.content).toMatchObject([{ text: 'x', cache_control: { type: 'ephemeral' } }]);
});

test('usage: DeepSeek’s cache hits, Gemini’s uncounted thinking, and an estimate where nothing is said', async () => {
  const said = (usage: Record<string, unknown>) => ({ kind: 'raw' as const, events: [chunk({ content: 'ok' }), { choices: [{ delta: {}, finish_reason: 'stop' }], usage }] });
  server.script(
    said({ prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, prompt_cache_hit_tokens: 80 }),
    said({ prompt_tokens: 100, completion_tokens: 5, total_tokens: 145 }),
    { kind: 'raw', events: [chunk({ content: 'ok' }), chunk({}, 'stop')] },
  );
  const ask = async () => (await call(as('custom'), request('m', [user('hi')]))).answer.usage;
  expect(await ask()).toEqual({ input: 20, output: 5, cacheRead: 80, cacheWrite: 0 });
  expect(await ask()).toEqual({ input: 100, output: 45, cacheRead: 0, cacheWrite: 0 });
  const guess = await ask();
  expect(guess.input).toBeGreaterThan(10);
  expect(guess.output).toBeGreaterThan(0);
});

test('a refusal in its own field is a refusal; a provider that gives up is overloaded', async () => {
  server.script({ kind: 'raw', events: [chunk({ refusal: 'I cannot help.' }), chunk({}, 'stop')] }, { text: 'half', stop: 'insufficient_system_resource' });
  expect((await call(as('openai'), request('gpt-4.1', [user('a')]))).answer).toMatchObject({ text: 'I cannot help.', stop: 'refusal' });
  expect((await failure(call(as('deepseek'), request('deepseek-v4-pro', [user('a')])))).type).toBe('Overloaded');
});

test('a server without a key gets none, and other servers do not learn OpenAI’s account', async () => {
  process.env['OPENAI_ORG_ID'] = 'org-secret';
  try {
    await failure(call(provider('openai', server.baseUrl('openai'), { id: 'local', key: '' }), request('m', [user('hi')])));
    expect(server.requests[0]!.headers.authorization).toBeUndefined();
    expect(server.requests[0]!.headers['openai-organization']).toBeUndefined();
  } finally {
    delete process.env['OPENAI_ORG_ID'];
  }
});

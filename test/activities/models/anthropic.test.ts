/** What only Anthropic's format has: cache marks, thinking with signatures, its sign-in. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAnthropicProvider } from '../../../src/activities/models/anthropic.js';
import { catalogFacts } from '../../../src/activities/models/catalog.js';
import { startModelServer, signatureOf, type ModelServer } from '../../servers/model-server.js';
import { answered, call, provider, request, result, user } from './helpers.js';

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());
const OPUS = 'claude-opus-4-6';
const last = () => server.requests.at(-1)!.body;

test('system prompt, last tool and the two newest user messages are marked for the cache, nothing else', async () => {
  const model = provider('anthropic', server.url);
  const use = { role: 'assistant' as const, text: 'on it', calls: [{ id: 'call_1_0', name: 'exec', args: {} }, { id: 'call_1_1', name: 'exec', args: {} }] };
  await call(model, request(OPUS, [user('one'), { role: 'assistant', text: 'first', calls: [] }, user('two'), use, result('call_1_0', 'a'), result('call_1_1', 'b')]));
  const body = last() as { system: { cache_control?: unknown }[]; tools: { cache_control?: unknown }[]; messages: { content: { cache_control?: unknown }[] }[] };
  const marked = (blocks: { cache_control?: unknown }[]) => blocks.map((block) => block.cache_control !== undefined);
  expect(marked(body.system)).toEqual([true]);
  expect(marked(body.tools)).toEqual([false, true]);
  expect(body.messages.map(({ content }) => marked(content))).toEqual([[false], [false], [true], [false, false, false], [false, true]]);
});

test('results and the words that follow them are one user message, results first', async () => {
  const model = provider('anthropic', server.url);
  const use = { role: 'assistant' as const, text: '', calls: [{ id: 'call_1_0', name: 'exec', args: { command: 'ls' } }] };
  await call(model, request(OPUS, [user('go'), use, result('call_1_0', 'boom', true), user('never mind')]));
  expect((last()['messages'] as { content: unknown }[])[2]!.content).toMatchObject([{ type: 'tool_result', tool_use_id: 'call_1_0', is_error: true, content: [{ type: 'text', text: 'boom' }] }, { type: 'text', text: 'never mind' }]);
});

test.each([
  ['claude-opus-4-6', 'off', {}],
  ['claude-opus-4-6', 'minimal', { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'low' } }],
  ['claude-sonnet-5', 'high', { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } }],
  ['claude-haiku-4-5', 'low', { thinking: { type: 'enabled', budget_tokens: 2_048 } }],
  ['claude-haiku-4-5', 'high', { thinking: { type: 'enabled', budget_tokens: 4_096 - 1_024 } }],
] as const)('%s with thinking %s asks for it in the model’s own way', async (name, thinking, expected) => {
  await call(provider('anthropic', server.url), request(name, [user('hi')], { thinking }));
  const { thinking: asked, output_config } = last();
  expect(JSON.parse(JSON.stringify({ thinking: asked, output_config }))).toEqual(expected);
});

test('a budget is left out where the running tool loop began without thinking', async () => {
  const use = { role: 'assistant' as const, text: '', calls: [{ id: 'call_1_0', name: 'exec', args: {} }] };
  await call(provider('anthropic', server.url), request('claude-haiku-4-5', [user('go'), use, result('call_1_0', 'x')], { thinking: 'high' }));
  expect(last()['thinking']).toBeUndefined();
});

test('thinking between text and calls goes back in its place, redacted thinking too', async () => {
  const model = provider('anthropic', server.url);
  const block = (index: number, start: Record<string, unknown>, deltas: Record<string, unknown>[] = []) => [{ type: 'content_block_start', index, content_block: start }, ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })), { type: 'content_block_stop', index }];
  const thinking = (index: number, text: string) => block(index, { type: 'thinking', thinking: '', signature: '' }, [{ type: 'thinking_delta', thinking: text }, { type: 'signature_delta', signature: signatureOf(text) }]);
  server.script({
    kind: 'raw',
    events: [
      { type: 'message_start', message: { usage: { input_tokens: 3, output_tokens: 1 } } },
      ...thinking(0, 'one'),
      ...block(1, { type: 'text', text: '' }, [{ type: 'text_delta', text: 'Looking. ' }]),
      ...block(2, { type: 'redacted_thinking', data: 'opaque' }),
      ...thinking(3, 'two'),
      ...block(4, { type: 'text', text: '' }, [{ type: 'text_delta', text: 'Now.' }]),
      ...block(5, { type: 'tool_use', id: 'a', name: 'exec', input: {} }, [{ type: 'input_json_delta', partial_json: '{"command":"ls"}' }]),
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    ],
  });
  const { answer } = await call(model, request(OPUS, [user('go')], { thinking: 'high' }));
  expect(answer).toMatchObject({ text: 'Looking. Now.', reasoning: { text: 'onetwo' }, usage: { input: 3, output: 9 } });
  const messages = [user('go'), answered(answer, 1), result('call_1_0', 'x')];
  await call(model, request(OPUS, messages, { thinking: 'high' }));
  expect(server.requests[1]!.refused).toBeUndefined();
  expect((last()['messages'] as { content: { type: string }[] }[])[1]!.content.map((one) => one.type)).toEqual(['thinking', 'text', 'redacted_thinking', 'thinking', 'text', 'tool_use']);
  // Another model checks signatures of its own: it gets the words and the calls only.
  await call(model, request('claude-sonnet-4-6', messages, { thinking: 'high' }));
  expect((last()['messages'] as { content: { type: string }[] }[])[1]!.content.map((one) => one.type)).toEqual(['text', 'tool_use']);
});

test('a sign-in token goes as a bearer with its beta header, a key as x-api-key', async () => {
  const token = 'sk-ant-oat01-abcdefgh';
  const oauth = await startModelServer({ key: token });
  const model = createAnthropicProvider({ id: 'anthropic', baseUrl: `${oauth.url}/v1/`, key: token, auth: 'bearer', facts: (name) => catalogFacts('anthropic', name) });
  await call(model, request(OPUS, [user('hi')]));
  expect(oauth.requests[0]!.headers).toMatchObject({ authorization: `Bearer ${token}`, 'anthropic-beta': 'oauth-2025-04-20' });
  expect(oauth.requests[0]!.headers['x-api-key']).toBeUndefined();
  await call(provider('anthropic', server.url), request(OPUS, [user('hi')]));
  expect(server.requests[0]!.headers['x-api-key']).toBeDefined();
  expect(server.requests[0]!.headers.authorization).toBeUndefined();
  await oauth.close();
});

test('blank text never reaches the wire', async () => {
  await call(provider('anthropic', server.url), request(OPUS, [user('  '), { role: 'assistant', text: ' \n', calls: [] }, user('really')], { system: '' }));
  expect(server.requests[0]!.refused).toBeUndefined();
});

/** The scripted server refuses what the platforms refuse; otherwise the other tests would prove nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_KEY, startModelServer, type ModelServer, type Wire } from '../../servers/model-server.js';
import { call, MODELS, provider, request, user } from './helpers.js';

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

async function post(wire: Wire, body: object): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${server.baseUrl(wire)}/${wire === 'anthropic' ? 'v1/messages' : 'chat/completions'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': DEFAULT_KEY, authorization: `Bearer ${DEFAULT_KEY}` },
    body: JSON.stringify({ model: 'm', max_tokens: 100, stream: true, ...body }),
  });
  return { status: response.status, text: await response.text() };
}

const text = (words: string) => [{ type: 'text', text: words }];
const use = (...ids: string[]) => ids.map((id) => ({ type: 'tool_use', id, name: 'exec', input: {} }));
const done = (...ids: string[]) => ids.map((tool_use_id) => ({ type: 'tool_result', tool_use_id, content: text('ok') }));
const u = (content: unknown) => ({ role: 'user', content });
const a = (content: unknown) => ({ role: 'assistant', content });
const calls = (...ids: string[]) => ({ role: 'assistant', content: null, tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'exec', arguments: '{}' } })) });
const tool = (tool_call_id: string) => ({ role: 'tool', tool_call_id, content: 'ok' });

test.each<[string, Wire, object[], RegExp]>([
  ['a call without its result', 'anthropic', [u(text('x')), a(use('a', 'b')), u(done('a'))], /without `tool_result`/],
  ['a result without its call', 'anthropic', [u(text('x')), a(text('y')), u(done('a'))], /unexpected `tool_use_id`/],
  ['a repeated call id', 'anthropic', [u(text('x')), a(use('a')), u(done('a')), a(use('a')), u(done('a'))], /unique/],
  ['two user messages in a row', 'anthropic', [u(text('x')), u(text('y'))], /alternate/],
  ['an assistant at the start', 'anthropic', [a(text('x'))], /alternate/],
  ['an assistant at the end', 'anthropic', [u(text('x')), a(text('y'))], /end with a user message/],
  ['blank text', 'anthropic', [u(text(' '))], /non-whitespace/],
  ['words before results', 'anthropic', [u(text('x')), a(use('a')), u([...text('y'), ...done('a')])], /come first/],
  ['changed thinking', 'anthropic', [u(text('x')), a([{ type: 'thinking', thinking: 'changed', signature: 'sig-0' }, ...text('y')]), u(text('z'))], /signature/],
  ['a fifth cache mark', 'anthropic', [u(Array.from({ length: 5 }, () => ({ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } })))], /maximum of 4/],
  ['a call without its result', 'openai', [u('x'), calls('a', 'b'), tool('a'), u('y')], /did not have response messages: b/],
  ['a result without its call', 'openai', [u('x'), tool('a')], /must be a response/],
  ['a repeated call id', 'openai', [u('x'), calls('a', 'a'), tool('a'), tool('a')], /duplicate/],
  ['an empty call id', 'openai', [u('x'), calls(''), tool('')], /1 to 40/],
  ['an assistant that says nothing', 'openai', [u('x'), a(null), u('y')], /expected a string/],
])('%s is refused (%s)', async (_, wire, messages, expected) => {
  const { status, text: said } = await post(wire, { messages });
  expect(status).toBe(400);
  expect(said).toMatch(expected);
});

test('it runs as a process: scripted over HTTP, its requests can be counted', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../servers/model-server.ts', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(String(line)) as { url: string };
    await fetch(`${url}/script`, { method: 'POST', body: JSON.stringify([{ text: 'from afar' }]) });
    const model = provider('anthropic', url);
    expect((await call(model, request(MODELS.anthropic, [user('hi')]))).answer.text).toBe('from afar');
    expect((await call(model, request(MODELS.anthropic, [user('hi')]))).answer.text).toBe('echo: hi');
    expect(await (await fetch(`${url}/requests`)).json()).toMatchObject([{ wire: 'anthropic', text: 'hi' }, { text: 'hi' }]);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

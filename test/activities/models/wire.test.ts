/** One matrix, run for each wire format through the real SDKs, against aimock and against the strict scripted server. */
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { costUsd } from '../../../src/core/model.js';
import type { ModelProvider } from '../../../src/activities/models/types.js';
import { startModelServer, type ModelServer, type Wire } from '../../servers/model-server.js';
import { answered, call, failure, KEY, MODELS, provider, request, result, texts, user, WIRES } from './helpers.js';

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
const PNG_BASE64 = Buffer.from(PNG).toString('base64');

describe.each(WIRES)('%s against aimock', (wire) => {
  let mock: LLMock;
  let model: ModelProvider;
  beforeAll(async () => {
    mock = await LLMock.create({ port: 0, logLevel: 'silent', chunkSize: 5 });
    model = provider(wire, wire === 'anthropic' ? mock.url : `${mock.url}/v1`);
  });
  afterAll(() => mock.stop());
  afterEach(() => mock.clearChaos().reset());

  test('a plain answer arrives in deltas that add up to it', async () => {
    mock.onMessage('hello', { content: 'Hello there, how are you?' });
    const { answer, events } = await call(model, request(MODELS[wire], [user('hello')]));
    expect(answer).toMatchObject({ text: 'Hello there, how are you?', calls: [], stop: 'stop' });
    expect(texts(events).length).toBeGreaterThan(2);
    expect(texts(events).join('')).toBe(answer.text);
  });

  test('parallel calls keep their order and arguments', async () => {
    mock.onMessage('both', { toolCalls: [{ name: 'exec', arguments: '{"command":"ls"}' }, { name: 'read', arguments: '{"path":"a.md"}' }] });
    const { answer } = await call(model, request(MODELS[wire], [user('both')]));
    expect(answer.stop).toBe('tool_calls');
    expect(answer.calls.map(({ name, args }) => ({ name, args }))).toEqual([{ name: 'exec', args: { command: 'ls' } }, { name: 'read', args: { path: 'a.md' } }]);
    expect(new Set(answer.calls.map((one) => one.id)).size).toBe(2);
  });

  test('text and a call in one answer are both kept', async () => {
    mock.onMessage('mixed', { content: 'Let me look.', toolCalls: [{ name: 'exec', arguments: '{"command":"ls"}' }] });
    const { answer } = await call(model, request(MODELS[wire], [user('mixed')]));
    expect(answer).toMatchObject({ text: 'Let me look.', stop: 'tool_calls' });
    expect(answer.calls).toHaveLength(1);
  });

  test('a result is passed back paired with its call', async () => {
    mock.on({ toolCallId: 'call_1_0' }, { content: 'It printed hi.' });
    const messages = [user('go'), answered({ text: '', calls: [{ id: 'x', name: 'exec', args: { command: 'echo hi' } }], stop: 'tool_calls', usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } }, 1), result('call_1_0', 'hi')];
    expect((await call(model, request(MODELS[wire], messages))).answer.text).toBe('It printed hi.');
  });

  test('reasoning is kept apart from the answer', async () => {
    mock.onMessage('think', { content: 'Four.', reasoning: 'Two and two make four.' });
    const { answer, events } = await call(model, request(MODELS[wire], [user('think')], { thinking: 'medium' }));
    expect(answer.text).toBe('Four.');
    expect(answer.reasoning?.text).toBe('Two and two make four.');
    expect(texts(events, 'thinking').join('')).toBe('Two and two make four.');
  });

  test('the output limit is told as such', async () => {
    mock.onMessage('long', { content: 'Once upon a', finishReason: 'length' });
    expect((await call(model, request(MODELS[wire], [user('long')]))).answer).toMatchObject({ text: 'Once upon a', stop: 'length' });
  });

  test('chaos: a dropped connection, broken bytes, a rate limit and an error become our failures', async () => {
    mock.onMessage('chaos', { content: 'ok' });
    const ask = () => failure(call(model, request(MODELS[wire], [user('chaos')])));
    mock.setChaos({ disconnectRate: 1 });
    expect((await ask()).type).toBe('Network');
    mock.setChaos({ malformedRate: 1 });
    expect((await ask()).type).toBe('Network');
    mock.setChaos({ dropRate: 1 });
    expect((await ask()).type).toBe('Overloaded');
    mock.setChaos({ rateLimitRate: 1 });
    const limited = await ask();
    expect(limited.type).toBe('RateLimited');
    expect(limited.retryAfterMs).toBeGreaterThanOrEqual(0);
  });

  test('a stream that aimock cuts in the middle is no answer', async () => {
    mock.onMessage('cut', { content: 'a long answer that never ends because the line is cut' }, { truncateAfterChunks: 4 });
    expect((await failure(call(model, request(MODELS[wire], [user('cut')])))).type).toBe('Network');
  });
});

describe.each(WIRES)('%s against the strict server', (wire) => {
  let server: ModelServer;
  let model: ModelProvider;
  beforeEach(async () => {
    server = await startModelServer();
    model = provider(wire, server.baseUrl(wire));
  });
  afterEach(() => server.close());
  const ask = (text: string, more: Parameters<typeof request>[2] = {}) => call(model, request(MODELS[wire], [user(text)], more));
  const lastBody = () => server.requests.at(-1)!.body;

  test('a chain of calls and results goes through what the platform checks, images too', async () => {
    let messages = [user('chain: 3 echo {i}')];
    for (let step = 1; step <= 3; step += 1) {
      const { answer } = await call(model, request(MODELS[wire], messages));
      expect(answer.calls[0]?.args).toEqual({ command: `echo ${step}` });
      messages = [...messages, answered(answer, step), { role: 'tool', callId: `call_${step}_0`, name: 'exec', isError: false, blocks: [{ type: 'text', text: `out ${step}` }, { type: 'image', mime: 'image/png', hash: 'h' }] }];
    }
    const { answer } = await call(model, request(MODELS[wire], messages), { media: { h: PNG } });
    expect(server.requests.map((seen) => seen.refused)).toEqual([undefined, undefined, undefined, undefined]);
    expect(server.requests.at(-1)!.raw).toContain(PNG_BASE64);
    // On the OpenAI wire the images follow as a user message, which this server takes for a new question.
    expect(answer.text).toMatch(wire === 'anthropic' ? /^done: out 1 \| out 2 \| out 3$/ : /^echo: Image from exec/);
  });

  test('an image goes in as bytes; one the store lost is said in words', async () => {
    const messages = [{ role: 'user' as const, blocks: [{ type: 'text' as const, text: 'what is this' }, { type: 'image' as const, mime: 'image/png', hash: 'here' }, { type: 'image' as const, mime: 'image/png', hash: 'gone' }] }];
    await call(model, request(MODELS[wire], messages), { media: { here: PNG } });
    const sent = JSON.stringify(lastBody()['messages']);
    expect(sent).toContain(wire === 'anthropic' ? `"media_type":"image/png","data":"${PNG_BASE64}"` : `data:image/png;base64,${PNG_BASE64}`);
    expect(sent).toContain('[image, image/png: cannot be shown]');
  });

  test('an image larger than providers take is said in words, from the user and from a tool', async () => {
    const image = (hash: string) => ({ type: 'image' as const, mime: 'image/png', hash });
    const looked = { text: '', calls: [{ id: 'x', name: 'exec', args: {} }], stop: 'tool_calls' as const, usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } };
    await call(model, request(MODELS[wire], [
      { role: 'user', blocks: [image('most'), image('more')] },
      answered(looked, 1),
      { role: 'tool', callId: 'call_1_0', name: 'exec', isError: false, blocks: [image('more'), image('gone')] },
    ]), { media: { most: new Uint8Array(3_750_000), more: new Uint8Array(3_750_001) } });
    expect(server.requests.at(-1)!.refused).toBeUndefined();
    const sent = JSON.stringify(lastBody()['messages']);
    expect(sent.split('[image, image/png, 3.8 MB: too large for the model]')).toHaveLength(3);
    expect(sent).toContain('[image, image/png: cannot be shown]');
    const images = sent.match(/[A-Za-z0-9+/=]{1000,}/g)?.map((one) => one.length);
    expect(images).toEqual([5_000_000]);
  });

  test('usage counts cached tokens apart, and the cost follows', async () => {
    server.script({ text: 'ok', usage: { input: 1_000, output: 200, cacheRead: 5_000, cacheWrite: 300 } });
    const { answer } = await ask('hi');
    expect(answer.usage).toEqual({ input: 1_000, output: 200, cacheRead: 5_000, cacheWrite: 300 });
    const expected = wire === 'anthropic' ? (1_000 * 5 + 200 * 25 + 5_000 * 0.5 + 300 * 6.25) / 1e6 : (1_000 * 5 + 200 * 30 + 5_000 * 0.5 + 300 * 5) / 1e6;
    expect(costUsd(model.facts(MODELS[wire]).price, answer.usage)).toBeCloseTo(expected, 10);
  });

  test('malformed arguments are kept as text, with empty arguments', async () => {
    server.script({ calls: [{ name: 'exec', args: '{"command": "ls' }, { name: 'read', args: '["a"]' }, { name: 'exec', args: '{"command":"pwd"}' }] });
    const { answer } = await ask('go');
    expect(answer.calls.map(({ args, malformed }) => ({ args, malformed }))).toEqual([
      { args: {}, malformed: '{"command": "ls' },
      { args: {}, malformed: '["a"]' },
      { args: { command: 'pwd' }, malformed: undefined },
    ]);
  });

  test('a call without arguments is a call', async () => {
    server.script({ calls: [{ name: 'exec', args: '' }] });
    expect((await ask('go')).answer.calls[0]).toMatchObject({ name: 'exec', args: {} });
  });

  test('an unknown or impossible tool name passes through, and its echo does not break the next request', async () => {
    server.script({ calls: [{ name: 'rm -rf / 🦀', args: {} }] });
    const { answer } = await ask('go');
    expect(answer.calls[0]?.name).toBe('rm -rf / 🦀');
    await call(model, request(MODELS[wire], [user('go'), answered(answer, 1), result('call_1_0', 'unknown tool', true)]));
    expect(server.requests.at(-1)!.refused).toBeUndefined();
  });

  test('repeated and empty call ids stay separate calls', async () => {
    server.script({ calls: [{ id: 'same', name: 'exec', args: { command: 'a' } }, { id: 'same', name: 'exec', args: { command: 'b' } }, { id: '', name: 'exec', args: { command: 'c' } }] });
    const { answer } = await ask('go');
    expect(answer.calls.map((one) => [one.id, one.args['command']])).toEqual([['same', 'a'], ['same', 'b'], ['', 'c']]);
    await call(model, request(MODELS[wire], [user('go'), answered(answer, 1), result('call_1_0', 'a'), result('call_1_1', 'b'), result('call_1_2', 'c')]));
    expect(server.requests.at(-1)!.refused).toBeUndefined();
  });

  test('an empty answer is a failure, also when the output limit was spent on thinking', async () => {
    server.script({ text: '' }, { thinking: 'hm', stop: wire === 'anthropic' ? 'max_tokens' : 'length' });
    expect((await failure(ask('hi'))).type).toBe('EmptyAnswer');
    const spent = await failure(ask('hi', { thinking: 'high' }));
    expect(spent).toMatchObject({ type: 'EmptyAnswer', message: expect.stringContaining('output limit') as string });
  });

  test('a refusal with words is an answer, without words a failure', async () => {
    const stop = wire === 'anthropic' ? 'refusal' : 'content_filter';
    server.script({ text: 'I would rather not.', stop }, { text: '', stop });
    expect((await ask('hi')).answer).toMatchObject({ text: 'I would rather not.', stop: 'refusal', calls: [] });
    expect((await failure(ask('hi'))).type).toBe('ContentPolicy');
  });

  test('the prefix of two calls is byte-identical', async () => {
    const first = [user('remember the word tangerine')];
    const { answer } = await call(model, request(MODELS[wire], first));
    await call(model, request(MODELS[wire], [...first, answered(answer, 1), user('which word?')]));
    const [a, b] = server.requests.map(({ raw }) => raw);
    // Cache marks move with the newest message and are no content.
    const bare = (raw: string) => raw.replaceAll(',"cache_control":{"type":"ephemeral"}', '');
    const upTo = bare(a!).indexOf('tangerine') + 'tangerine'.length;
    expect(bare(b!).slice(0, upTo)).toBe(bare(a!).slice(0, upTo));
    const parts = (raw: string) => JSON.stringify((({ system, tools }) => ({ system, tools }))(JSON.parse(raw) as { system?: unknown; tools?: unknown }));
    expect(parts(b!)).toBe(parts(a!));
  });

  test.each([['the first byte', { kind: 'mute' } as const], ['the middle', { text: 'half an answer', fault: { after: 4, how: 'silent' } } as const]])('a line that falls silent before %s is a network failure', async (_, reply) => {
    server.script(reply);
    const quick = provider(wire, server.baseUrl(wire), { timings: { firstByteMs: 150, silenceMs: 150 } });
    const started = Date.now();
    const error = await failure(call(quick, request(MODELS[wire], [user('hi')])));
    expect(error.type).toBe('Network');
    expect(error.message).toContain('nothing was heard');
    expect(Date.now() - started).toBeLessThan(2_000);
    await expect.poll(() => server.requests[0]!.closedByClient).toBe(true);
  });

  test('pings alone keep a line alive', async () => {
    const ping = wire === 'anthropic' ? 'event: ping\ndata: {"type":"ping"}\n\n' : ': OPENROUTER PROCESSING\n\n';
    const end = wire === 'anthropic'
      ? [{ type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'late' } }, { type: 'message_delta', delta: { stop_reason: 'end_turn' } }, { type: 'message_stop' }]
      : [{ choices: [{ delta: { content: 'late' }, finish_reason: 'stop' }] }];
    server.script({ kind: 'raw', events: [ping, ping, ping, ping, ping, ping, ...end], delayMs: 60 });
    const quick = provider(wire, server.baseUrl(wire), { timings: { firstByteMs: 1_000, silenceMs: 200 } });
    const { answer, events } = await call(quick, request(MODELS[wire], [user('hi')]));
    expect(answer.text).toBe('late');
    expect(events.some((event) => event.type === 'alive')).toBe(true);
  });

  test.each(['reset', 'cut'] as const)('a stream %s in the middle is never a partial answer', async (how) => {
    server.script({ text: 'half an answer', fault: { after: 3, how } });
    expect((await failure(ask('hi'))).type).toBe('Network');
  });

  test('a dropped and a refused connection are network failures that name no key', async () => {
    server.script({ kind: 'drop' });
    expect((await failure(ask('hi'))).type).toBe('Network');
    const url = server.baseUrl(wire);
    await server.close();
    const refused = await failure(call(provider(wire, url), request(MODELS[wire], [user('hi')])));
    expect(refused.type).toBe('Network');
    expect(refused.message).toContain('ECONNREFUSED');
    expect(refused.message).not.toContain(KEY);
    server = await startModelServer();
  });

  test('an abort ends the call within 100 ms, with its own reason, and closes the socket', async () => {
    server.script({ text: 'a slow answer', delayMs: 200 });
    const control = new AbortController();
    const reason = new Error('stop');
    const running = call(model, request(MODELS[wire], [user('hi')]), { signal: control.signal });
    await expect.poll(() => server.requests.length).toBe(1);
    const at = performance.now();
    control.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(performance.now() - at).toBeLessThan(100);
    await expect.poll(() => server.requests[0]!.closedByClient).toBe(true);
  });

  test('an abort before the call sends nothing', async () => {
    const reason = new Error('too late');
    await expect(call(model, request(MODELS[wire], [user('hi')]), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);
  });

  test('the SDK retries nothing', async () => {
    server.script({ kind: 'error', status: 500 }, { kind: 'error', status: 429 });
    await failure(ask('hi'));
    await failure(ask('hi'));
    expect(server.requests).toHaveLength(2);
  });

  test('an unknown field or event is passed over', async () => {
    const events = wire === 'anthropic'
      ? [{ type: 'message_start', message: { usage: { input_tokens: 1, output_tokens: 1 }, moon: 'full' } }, { type: 'tide', height: 3 }, { type: 'content_block_start', index: 0, content_block: { type: 'weather', sun: true } }, { type: 'content_block_delta', index: 0, delta: { type: 'rain_delta' } }, { type: 'content_block_stop', index: 0 }, { type: 'content_block_start', index: 1, content_block: { type: 'text', text: 'fine' } }, { type: 'content_block_stop', index: 1 }, { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } }, { type: 'message_stop' }]
      : [{ choices: null }, { moon: 'full', choices: [{ delta: { content: 'fine', tide: 1 }, finish_reason: null, rain: 2 }] }, { choices: [{ delta: null, finish_reason: 'stop' }] }, 'data: [DONE]\n\n'];
    server.script({ kind: 'raw', events });
    expect((await ask('hi')).answer.text).toBe('fine');
  });
});

test.each(WIRES)('%s: reasoning goes round through the server that checks it, and only to its own model', async (wire: Wire) => {
  const server = await startModelServer();
  // DeepSeek is the one on the OpenAI wire that wants its reasoning back.
  const id = wire === 'anthropic' ? 'anthropic' : 'deepseek';
  const name = wire === 'anthropic' ? 'claude-opus-4-6' : 'deepseek-v4-pro';
  const model = provider(wire, server.baseUrl(wire), { id });
  server.script({ thinking: 'First I look.', text: 'Looking.', calls: [{ name: 'exec', args: { command: 'ls' } }] });
  const { answer } = await call(model, request(name, [user('go')], { thinking: 'high' }));
  expect(answer.reasoning).toMatchObject({ provider: id, text: 'First I look.' });
  const messages = [user('go'), answered(answer, 1), result('call_1_0', 'a b')];
  await call(model, request(name, messages, { thinking: 'high' }));
  expect(server.requests[1]!.refused).toBeUndefined();
  expect(server.requests[1]!.raw).toContain('First I look.');
  // Another provider of the same wire must not get it.
  await call(provider(wire, server.baseUrl(wire), { id: 'other' }), request(name, messages, { thinking: 'high' }));
  expect(server.requests[2]!.raw).not.toContain('First I look.');
  await server.close();
});

/** Every way a provider can say no, in its own words, and what we make of it. No message ever holds a key. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelError } from '../../../src/activities/models/types.js';
import { retryAfterMs } from '../../../src/activities/models/retry-after.js';
import { scrub } from '../../../src/activities/models/scrub.js';
import { startModelServer, type ModelServer, type Reply, type Wire } from '../../servers/model-server.js';
import { call, failure, KEY, MODELS, provider, request, user, WIRES } from './helpers.js';

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

type Refusal = Omit<Extract<Reply, { readonly kind: 'error' }>, 'kind'>;
async function told(wire: Wire, reply: Refusal, id: string = wire): Promise<ModelError> {
  server.script({ kind: 'error', ...reply });
  return failure(call(provider(wire, server.baseUrl(wire), { id }), request(MODELS[wire], [user('hi')])));
}

describe.each(WIRES)('%s', (wire) => {
  test.each<[string, Refusal]>([
    ['Auth', { status: 401, type: 'authentication_error', message: 'invalid x-api-key' }],
    ['Auth', { status: 403, type: 'permission_error', message: 'Your key has no permission for this' }],
    ['Auth', { status: 402, message: 'Insufficient Balance' }],
    ['Auth', { status: 400, type: 'invalid_request_error', message: 'Your credit balance is too low to access the API.' }],
    ['Auth', { status: 429, code: 'insufficient_quota', message: 'You exceeded your current quota, please check your plan.' }],
    ['RateLimited', { status: 429, type: 'rate_limit_error', message: 'Number of request tokens has exceeded your per-minute limit' }],
    ['RateLimited', { status: 429, message: 'Rate limit reached: the maximum context length of tokens per min' }],
    ['Overloaded', { status: 500, type: 'api_error', message: 'Internal server error' }],
    ['Overloaded', { status: 502, body: '<html>Bad gateway</html>' }],
    ['Overloaded', { status: 503, message: 'The engine is currently overloaded' }],
    ['Overloaded', { status: 529, type: 'overloaded_error', message: 'Overloaded' }],
    ['BadRequest', { status: 400, type: 'invalid_request_error', message: 'temperature: must be below 2' }],
    ['BadRequest', { status: 422, message: 'unprocessable' }],
    ['BadRequest', { status: 404, body: '<html>not found</html>' }],
    ['ModelUnavailable', { status: 404, type: 'not_found_error', message: 'model: claude-9' }],
    ['ContextOverflow', { status: 413, type: 'request_too_large', message: 'Request exceeds the maximum size' }],
    ['ContentPolicy', { status: 400, type: 'invalid_request_error', message: 'Output blocked by content filtering policy' }],
    ['ContentPolicy', { status: 400, code: 'content_policy_violation', message: 'Your request was rejected by our safety system' }],
    ['ContentPolicy', { status: 403, message: 'Input was flagged by moderation' }],
    ['Network', { status: 408, message: 'Request timed out' }],
  ])('%s: %o', async (type, reply) => {
    const error = await told(wire, reply);
    expect(error).toMatchObject({ type, status: reply.status });
    expect(error.message).toContain(wire);
    expect(error.message).not.toContain(KEY);
  });

  test.each([
    'prompt is too long: 212345 tokens > 200000 maximum',
    'input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000',
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
    'Your input exceeds the context window of this model. Please adjust your input and try again.',
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    'This endpoint\'s maximum context length is 200000 tokens. However, you requested about 210000 tokens',
    'Please reduce the length of the messages or completion.',
    'the request exceeds the available context size, try increasing it',
    'prompt too long; exceeded max context length by 4 tokens',
    'The number of tokens to keep from the initial prompt is greater than the context length',
    'Prompt contains 40000 tokens: too large for model with 32768 maximum context length',
    'Invalid request: Your request exceeded model token limit: 131072',
    'invalid params, context window exceeds limit',
  ])('an overlong prompt is known by: %s', async (message) => {
    expect((await told(wire, { status: 400, type: 'invalid_request_error', message })).type).toBe('ContextOverflow');
  });

  test.each<[string, Readonly<Record<string, string>>, string, number]>([
    ['milliseconds', { 'retry-after-ms': '1500', 'retry-after': '9' }, 'slow down', 1_500],
    ['seconds', { 'retry-after': '7' }, 'slow down', 7_000],
    ['a fraction', { 'retry-after': '0.25' }, 'slow down', 250],
    ['words', {}, 'Please retry in 37.5s.', 37_500],
    ['long words', {}, 'Please try again in 6m0.5s', 360_500],
  ])('a rate limit tells its delay by %s', async (_, headers, message, expected) => {
    expect(await told(wire, { status: 429, headers, message })).toMatchObject({ type: 'RateLimited', retryAfterMs: expected });
  });

  test('a rate limit tells its delay by an HTTP date, and an overload too', async () => {
    const date = new Date(Date.now() + 30_000).toUTCString();
    for (const status of [429, 529]) {
      const wait = (await told(wire, { status, headers: { 'retry-after': date }, message: 'later' })).retryAfterMs!;
      expect(wait).toBeGreaterThan(25_000);
      expect(wait).toBeLessThanOrEqual(30_000);
    }
  });

  test('the wrong key is refused in the provider’s words, without the key that those words hold', async () => {
    const wrong = 'wrong-key-abcdef-987654';
    const error = await failure(call(provider(wire, server.baseUrl(wire), { key: wrong }), request(MODELS[wire], [user('hi')])));
    expect(error).toMatchObject({ type: 'Auth', status: 401 });
    expect(error.message).not.toContain(wrong);
    expect(JSON.stringify({ ...error, stack: error.stack, cause: error.cause })).not.toContain(wrong);
  });

  test('no failure of any kind holds a key or a secret header, whatever echoes it', async () => {
    const secret = 'header-secret-42424242';
    const model = provider(wire, server.baseUrl(wire), { headers: { 'x-gateway': secret } });
    for (const status of [400, 401, 403, 404, 413, 429, 500, 529]) {
      server.script({ kind: 'error', status, message: `bad ${KEY} and ${secret} and sk-ant-api03-AAAABBBBCCCC and Bearer abcdef123456` });
      const { message, stack } = await failure(call(model, request(MODELS[wire], [user('hi')])));
      for (const held of [KEY, secret, 'AAAABBBBCCCC', 'abcdef123456']) expect(`${message}${stack}`).not.toContain(held);
    }
  });

  test('an error inside a running stream becomes its type, not an answer', async () => {
    const cases: readonly (readonly [string, Readonly<Record<string, unknown>>])[] =
      wire === 'anthropic'
        ? [['Overloaded', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }], ['RateLimited', { type: 'error', error: { type: 'rate_limit_error', message: 'slow' } }], ['Overloaded', { type: 'error', error: { type: 'api_error', message: 'oops' } }], ['BadRequest', { type: 'error', error: { type: 'invalid_request_error', message: 'no' } }]]
        : [['Overloaded', { error: { message: 'The server had an error', type: 'server_error' } }], ['RateLimited', { error: { message: 'slow', code: 429 } }], ['Overloaded', { error: { message: 'Provider returned error', code: 502 }, choices: [{ delta: { content: '' }, finish_reason: 'error' }] }], ['ContextOverflow', { error: { message: 'too much', code: 'context_length_exceeded' } }]];
    for (const [type, event] of cases) {
      server.script({ kind: 'raw', events: [event] });
      expect((await failure(call(provider(wire, server.baseUrl(wire)), request(MODELS[wire], [user('hi')])))).type).toBe(type);
    }
  });

  test('a page in the place of a stream is a network failure', async () => {
    server.script({ kind: 'error', status: 200, body: '<html>Please sign in to the Wi-Fi</html>' });
    expect((await failure(call(provider(wire, server.baseUrl(wire)), request(MODELS[wire], [user('hi')])))).type).toBe('Network');
  });
});

test('an address that does not exist is a network failure with the line’s own word', async () => {
  const error = await failure(call(provider('openai', 'http://127.0.0.1:1/v1'), request('gpt-5.5', [user('hi')])));
  expect(error.type).toBe('Network');
});

test('Gemini’s list of errors is read, with its delay', async () => {
  const body = [{ error: { code: 429, message: 'Quota exceeded. Please retry in 12s.', status: 'RESOURCE_EXHAUSTED' } }];
  expect(await told('openai', { status: 429, body }, 'gemini')).toMatchObject({ type: 'RateLimited', retryAfterMs: 12_000 });
  expect(await told('openai', { status: 400, body: [{ error: { code: 400, message: 'API key not valid. Please pass a valid API key.' } }] }, 'gemini')).toMatchObject({ type: 'Auth' });
});

test('OpenRouter’s upstream words are told', async () => {
  const error = await told('openai', { status: 502, body: { error: { message: 'Provider returned error', code: 502, metadata: { raw: 'upstream is on fire' } } } }, 'openrouter');
  expect(error).toMatchObject({ type: 'Overloaded', message: expect.stringContaining('upstream is on fire') as string });
});

test('a delay in the past is none, and nonsense is no delay', () => {
  const headers = (value: string) => ({ get: (name: string) => (name === 'retry-after' ? value : null) });
  expect(retryAfterMs(headers('Wed, 21 Oct 2015 07:28:00 GMT'), '', Date.now())).toBe(0);
  expect(retryAfterMs(headers('soon'), 'whatever', 0)).toBeUndefined();
  expect(retryAfterMs(headers('-5'), '', Date.now())).toBeDefined();
});

test('scrubbing masks keys and leaves words', () => {
  expect(scrub('key my-secret-1 in https://user:pass@host/?key=abcdefgh12345', ['my-secret-1'])).toBe('key [key] in https://user:[key]@host/?key=[key]');
  expect(scrub('the task-force asked', ['x'])).toBe('the task-force asked');
  expect(scrub('a'.repeat(1_000), []).length).toBeLessThanOrEqual(400);
});

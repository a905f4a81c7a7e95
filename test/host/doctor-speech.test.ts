/** What `doctor` says of voice, about real servers: nobody is asked who is not configured, and nothing that costs. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AudioConfig, createSpeech } from '../../src/activities/media/speech.js';
import { speechCheck } from '../../src/host/doctor-speech.js';
import { DEFAULT_KEY, startModelServer } from '../servers/model-server.js';
import { type TranscriptionServer, startTranscriptionServer } from '../servers/transcription-server.js';

let server: TranscriptionServer;
beforeEach(async () => {
  server = await startTranscriptionServer();
});
afterEach(() => server.close());

const check = (models: AudioConfig['models'], over: { readonly apiKey?: string; readonly baseUrl?: string } = {}) =>
  speechCheck(createSpeech({
    env: {},
    config: {
      models: { providers: { openai: { baseUrl: server.baseUrl, apiKey: DEFAULT_KEY, ...over }, gone: { baseUrl: 'http://127.0.0.1:1/v1' } } },
      tools: { media: { audio: { enabled: true, models, maxBytes: 1_024, timeoutSeconds: 1 } } },
    },
  }));

test('not configured is no fault, and nobody is asked', async () => {
  expect(await check([])).toMatchObject({ status: 'skip', detail: expect.stringContaining('not configured'), remedy: expect.stringContaining('tools.media.audio.models') });
  expect(server.lists()).toBe(0);
});

test('one that answers is reachable, without a recording being sent', async () => {
  expect(await check([{ provider: 'openai' }])).toEqual({ status: 'ok', detail: 'openai/gpt-4o-mini-transcribe: reachable' });
  expect(server.lists()).toBe(1);
  expect(server.requests).toEqual([]);
});

test('a server without a list of models was reached', async () => {
  const other = await startModelServer();
  expect(await check([{ provider: 'openai' }], { baseUrl: other.baseUrl('openai') })).toMatchObject({ status: 'ok' });
  await other.close();
});

test('a refused key, a missing one and a server that is away are told, the key never', async () => {
  const refused = await check([{ provider: 'openai' }], { apiKey: 'sk-wrong-0123456789' });
  expect(refused).toMatchObject({ status: 'fail', detail: expect.stringContaining('(401)'), remedy: expect.any(String) });
  expect(JSON.stringify(refused)).not.toContain('sk-wrong');
  expect(await check([{ provider: 'openai' }], { apiKey: '' })).toMatchObject({ status: 'fail', detail: expect.stringContaining('OPENAI_API_KEY') });
  expect(await check([{ provider: 'gone', model: 'x' }])).toMatchObject({ status: 'fail', detail: expect.stringContaining('gone: ') });
});

test('one of two that answers is enough to go on with', async () => {
  expect(await check([{ provider: 'gone', model: 'x' }, { provider: 'openai' }])).toMatchObject({ status: 'warn', detail: expect.stringContaining('gone: ') });
});

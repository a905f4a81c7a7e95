/** Voice to text: what is sent to whom, what it costs, what the model reads, and what becomes of it when it fails. */
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActivityDeps } from '../../../src/activities/deps.js';
import { audioName } from '../../../src/activities/media/audio.js';
import { type AudioConfig, NOT_CONFIGURED, createSpeech } from '../../../src/activities/media/speech.js';
import { createTranscription, type TranscribeResult } from '../../../src/activities/media/transcribe.js';
import { withTranscripts } from '../../../src/activities/media/transcripts.js';
import type { ModelProviderConfig } from '../../../src/activities/models/config.js';
import { assembleContext } from '../../../src/core/context.js';
import type { Attachment, AttachmentKind } from '../../../src/core/message.js';
import { createMediaStore } from '../../../src/storage/media.js';
import { transcriptsOf } from '../../../src/storage/transcripts.js';
import { appendRows, recentRows } from '../../../src/storage/transcript.js';
import { modelAttempts } from '../../../src/storage/usage.js';
import { DEFAULT_KEY } from '../../servers/model-server.js';
import { type TranscriptionServer, startTranscriptionServer } from '../../servers/transcription-server.js';
import { said } from '../../core/rows.js';
import { SESSION, accept, makeStore, messageOf, openSession, rowOf, userRow } from '../../storage/store.js';

let server: TranscriptionServer;
beforeEach(async () => {
  server = await startTranscriptionServer();
});
afterEach(() => server.close());

const ogg = (fill: number, size = 300): Buffer => Buffer.concat([Buffer.from('OggS\0\x02'), Buffer.alloc(20), Buffer.from([1, 19]), Buffer.from('OpusHead\x01\x01'), Buffer.alloc(size, fill)]);
const AAC = Buffer.concat([Buffer.from([0xff, 0xf1, 0x50, 0x80]), Buffer.alloc(300)]);

interface Over extends Partial<AudioConfig> {
  readonly openai?: ModelProviderConfig;
  readonly providers?: Readonly<Record<string, ModelProviderConfig>>;
  readonly env?: NodeJS.ProcessEnv;
}

const quiet = (): void => undefined;
const activity = (): MockActivityEnvironment => new MockActivityEnvironment(undefined, { logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet } });

async function makeHouse(over: Over = {}) {
  const { db, folder } = await makeStore();
  const media = createMediaStore(db, join(folder, 'media'));
  const { openai, providers, env, ...audio } = over;
  const speech = createSpeech({
    env: env ?? {},
    config: {
      models: { providers: { openai: { baseUrl: server.baseUrl, apiKey: DEFAULT_KEY, ...openai }, ...providers } },
      tools: { media: { audio: { enabled: true, models: [{ provider: 'openai' }], maxBytes: 20 * 1024 * 1024, timeoutSeconds: 20, ...audio } } },
    },
  });
  const budgets = () => ({ limits: {}, timezone: 'UTC' });
  const deps = { db, media, speech: () => speech, budgets } as unknown as ActivityDeps;
  const { transcribeMessage } = createTranscription(deps);
  return {
    db,
    /** A message with these recordings. @returns their hashes */
    async send(id: string, recordings: readonly Buffer[], kind: AttachmentKind = 'voice', session = SESSION): Promise<readonly string[]> {
      const attachments: Attachment[] = [];
      for (const content of recordings) {
        const { hash, mime, size } = await media.put(content);
        attachments.push({ kind, mime, size, media: { hash } });
      }
      await accept(db, id, { session, message: JSON.stringify(messageOf('', { attachments })) });
      return attachments.map((one) => one.media!.hash);
    },
    transcribe: (inboundId: string, attempt = activity()): Promise<TranscribeResult> => attempt.run(transcribeMessage, { inboundId }) as Promise<TranscribeResult>,
    text: async (hash: string) => (await transcriptsOf(db, [hash])).get(hash),
    /** What the model reads of the message. */
    async prompt(id: string): Promise<string> {
      const fence = await openSession(db);
      const { message } = await rowOf(db, id);
      await db.transaction().execute((tx) => appendRows(tx, fence, [userRow(1, { content: { type: 'user', text: message.text, sender: message.sender, attachments: message.attachments } })]));
      const rows = await withTranscripts(db, await recentRows(db, SESSION, fence.conversation, 10_000), speech);
      return said(assembleContext(rows, { maxTokens: 10_000, images: true, speakers: false }).messages).join('\n');
    },
  };
}

describe('a recording', () => {
  it('is transcribed, stored with who heard it, and read by the model with its message', async () => {
    const { send, transcribe, text, prompt } = await makeHouse({ language: 'de' });
    server.script({ text: ' Ruf mich an. ' });
    const [hash = ''] = await send('a', [ogg(1)]);
    expect(await transcribe('a')).toEqual({ transcribed: 1, known: 0, refused: 0, unconfigured: 0 });
    expect(server.requests).toEqual([{ model: 'gpt-4o-mini-transcribe', name: 'audio.ogg', bytes: ogg(1).length, language: 'de' }]);
    expect(await text(hash)).toEqual({ hash, text: 'Ruf mich an.', provider: 'openai', model: 'gpt-4o-mini-transcribe', language: 'de' });
    expect(await prompt('a')).toMatch(/^user: \[voice: audio\/ogg; codecs=opus, \d+ bytes, media:[0-9a-f]{12}\] Transcript: Ruf mich an\.$/);
  });

  it('is never paid for twice: neither by a repeated attempt, nor sent by somebody else, nor at the same time', async () => {
    const { send, transcribe } = await makeHouse();
    await send('a', [ogg(1), ogg(2)]);
    await send('b', [ogg(1)], 'audio', 'agent:main:direct:guest');
    const answered = Promise.withResolvers<void>();
    server.script({ text: 'one', until: answered.promise });
    const both = [transcribe('a'), transcribe('b')];
    await expect.poll(() => server.requests.length).toBe(1);
    answered.resolve();
    expect(await Promise.all(both)).toEqual([{ transcribed: 2, known: 0, refused: 0, unconfigured: 0 }, { transcribed: 0, known: 1, refused: 0, unconfigured: 0 }]);
    expect(await transcribe('a')).toMatchObject({ transcribed: 0, known: 2 });
    expect(server.requests).toHaveLength(2);
  });

  it('without a word in it is known as such', async () => {
    const { send, transcribe, prompt } = await makeHouse();
    server.script({ text: '' });
    await send('a', [ogg(1)]);
    expect(await transcribe('a')).toMatchObject({ transcribed: 1 });
    expect(await transcribe('a')).toMatchObject({ known: 1 });
    expect(await prompt('a')).toContain('Transcript: (no words were heard)');
  });

  it('of a message without one asks nobody; nor do videos and documents', async () => {
    const { send, transcribe } = await makeHouse();
    await send('a', []);
    await send('b', [ogg(1)], 'video');
    for (const id of ['a', 'b']) expect(await transcribe(id)).toEqual({ transcribed: 0, known: 0, refused: 0, unconfigured: 0 });
    expect(server.requests).toEqual([]);
  });
});

describe('the cost', () => {
  it('is a usage row of the run and counts in its budgets', async () => {
    const { db, send, transcribe } = await makeHouse();
    await send('a', [ogg(1)]);
    await transcribe('a');
    expect(await modelAttempts(db, 'run of a')).toEqual([expect.objectContaining({ session: SESSION, step: 0, provider: 'openai', model: 'gpt-4o-mini-transcribe', outcome: 'ok', usage: { input: 300, output: 20, cacheRead: 0, cacheWrite: 0 }, costUsd: (300 * 3 + 20 * 5) / 1e6 })]);
    const lines = await db.selectFrom('ledger').select(['line', 'tokens', 'usd']).orderBy('line').execute();
    expect(lines.map(({ line }) => line.split(':')[0])).toEqual(['agent', 'day', 'month', 'run', 'session']);
    for (const { tokens, usd } of lines) expect({ tokens, usd }).toEqual({ tokens: 320, usd: 0.001 });
  });

  it.each([
    ['by the minute', { models: [{ provider: 'openai', model: 'whisper-1' }] }, 0.003],
    ['by the config', { openai: { models: [{ id: 'gpt-4o-transcribe', cost: { input: 10, output: 100 } }] }, models: [{ provider: 'openai', model: 'gpt-4o-transcribe' }] }, (300 * 10 + 20 * 100) / 1e6],
  ])('is known %s', async (_, over, cost) => {
    const { db, send, transcribe } = await makeHouse(over);
    await send('a', [ogg(1)]);
    await transcribe('a');
    expect((await modelAttempts(db, 'run of a'))[0]?.costUsd).toBeCloseTo(cost, 10);
  });

  it('is unknown, not zero, at a server that tells no usage', async () => {
    const { db, send, transcribe } = await makeHouse();
    server.script({ text: 'hello', more: { usage: undefined, language: 'english' } });
    const [hash = ''] = await send('a', [ogg(1)]);
    await transcribe('a');
    expect((await modelAttempts(db, 'run of a'))[0]).not.toHaveProperty('costUsd');
    expect((await transcriptsOf(db, [hash])).get(hash)).toMatchObject({ language: 'english' });
  });
});

describe('when nobody is configured', () => {
  it.each([['no model is named', { models: [] }], ['it is switched off', { enabled: false }]])('since %s, nobody is asked and the model is told', async (_, over) => {
    const { send, transcribe, prompt } = await makeHouse({ ...over, env: { OPENAI_API_KEY: DEFAULT_KEY } });
    await send('a', [ogg(1)]);
    expect(await transcribe('a')).toEqual({ transcribed: 0, known: 0, refused: 0, unconfigured: 1 });
    expect(server.requests).toEqual([]);
    expect(await prompt('a')).toContain(`not transcribed: ${NOT_CONFIGURED}]`);
  });
});

describe('what is refused without being asked', () => {
  it.each([
    ['too large', ogg(1, 2_000), { maxBytes: 1_024 }, /too large \(at most 1024 bytes/],
    ['in a format that is not taken', AAC, {}, /audio\/aac is not taken/],
  ])('is %s: it is said to the model, and a retry would change nothing', async (_, content, over, words) => {
    const { send, transcribe, prompt } = await makeHouse(over);
    await send('a', [content]);
    expect(await transcribe('a')).toEqual({ transcribed: 0, known: 0, refused: 1, unconfigured: 0 });
    expect(server.requests).toEqual([]);
    expect(await prompt('a')).toMatch(words);
  });

  it.each([
    ['audio/ogg; codecs=opus', 'audio.ogg'], ['audio/x-m4a', 'audio.m4a'], ['AUDIO/MPEG', 'audio.mp3'], ['video/webm', 'audio.webm'], ['audio/wav', 'audio.wav'], ['audio/amr', undefined], ['', undefined],
  ])('%s is sent as %s', (mime, name) => {
    expect(audioName(mime)).toBe(name);
  });
});

describe('a provider that says no', () => {
  const rate = { status: 429, code: 'rate_limit_exceeded', message: 'Rate limit reached', headers: { 'retry-after': '7' } };

  it.each([
    ['Auth', true, { openai: { apiKey: 'sk-wrong-0123456789' } }, undefined, 'refused the key'],
    ['ModelUnavailable', true, { models: [{ provider: 'openai', model: 'whisper-9' }] }, undefined, 'not set up or not known'],
    ['ModelUnavailable', true, { openai: { apiKey: '' } }, undefined, 'not set up or not known'],
    ['ModelUnavailable', true, { models: [{ provider: 'nobody', model: 'x' }] }, undefined, 'not set up or not known'],
    ['ModelUnavailable', true, { models: [{ model: 'x' }] }, undefined, 'not set up or not known'],
    ['ModelUnavailable', true, { models: [{ provider: 'anthropic', model: 'x' }], env: { ANTHROPIC_API_KEY: 'k-0123456789' } }, undefined, 'not set up or not known'],
    ['BadRequest', true, { language: 'german' }, undefined, 'refused the recording'],
    ['ContextOverflow', true, {}, { status: 413, message: 'Maximum content size limit (26214400) exceeded' }, 'too large or too long'],
    ['RateLimited', false, {}, rate, 'too many requests'],
    ['Overloaded', false, {}, { status: 503 }, 'overloaded'],
    ['Network', false, {}, 'drop', 'could not be reached'],
    ['Network', false, { timeoutSeconds: 0.2 }, 'mute', 'could not be reached'],
  ] as const)('ends the attempt as %s (final: %s), and the model is told why', async (type, nonRetryable, over, reply, words) => {
    const { db, send, transcribe, prompt } = await makeHouse(over as Over);
    if (reply !== undefined) server.script(reply);
    await send('a', [ogg(1)]);
    const failure = await transcribe('a').catch((error: unknown) => error);
    expect(failure).toMatchObject({ type, nonRetryable });
    expect(String(failure)).not.toMatch(/sk-wrong|0123456789/);
    expect(await prompt('a')).toContain(words);
    // Only requests that were made are attempts.
    for (const attempt of await modelAttempts(db, 'run of a')) expect(attempt).toMatchObject({ outcome: type, usage: { input: 0, output: 0 } });
  });

  it('and when to come back is waited for as told, and then heard', async () => {
    const { send, transcribe, text } = await makeHouse();
    server.script(rate);
    const [hash = ''] = await send('a', [ogg(1)]);
    await expect(transcribe('a')).rejects.toMatchObject({ type: 'RateLimited', nextRetryDelay: 7_000 });
    expect(await text(hash)).toMatchObject({ problem: expect.stringContaining('too many requests') });
    expect(await transcribe('a')).toMatchObject({ transcribed: 1 });
    expect(await text(hash)).toEqual({ hash, text: `words of ${ogg(1).length} bytes`, provider: 'openai', model: 'gpt-4o-mini-transcribe' });
  });

  it('for one of two recordings does not keep the other from being heard', async () => {
    const { send, transcribe, text } = await makeHouse();
    server.script({ status: 500 });
    const hashes = await send('a', [ogg(1), ogg(2)]);
    await expect(transcribe('a')).rejects.toMatchObject({ type: 'Overloaded' });
    expect((await Promise.all(hashes.map(text))).map((one) => one?.text !== undefined)).toEqual([false, true]);
    expect(await transcribe('a')).toEqual({ transcribed: 1, known: 1, refused: 0, unconfigured: 0 });
  });

  it('is followed by the next model; when none hears it, one that may yet is what is retried', async () => {
    const models = [{ provider: 'openai' }, { provider: 'local', model: 'whisper-1' }];
    const { db, send, transcribe, text } = await makeHouse({ models, providers: { local: { baseUrl: server.baseUrl, apiKey: { source: 'env', id: 'LOCAL_KEY' } } }, env: { LOCAL_KEY: DEFAULT_KEY } });
    server.script({ status: 401 });
    const [hash = ''] = await send('a', [ogg(1)]);
    expect(await transcribe('a')).toMatchObject({ transcribed: 1 });
    expect(await text(hash)).toMatchObject({ provider: 'local', model: 'whisper-1' });
    expect((await modelAttempts(db, 'run of a')).map((one) => `${one.provider} ${one.outcome}`)).toEqual(['openai Auth', 'local ok']);
    server.script({ status: 503 }, { status: 401 });
    await send('b', [ogg(2)]);
    await expect(transcribe('b')).rejects.toMatchObject({ type: 'Overloaded', nonRetryable: false });
  });
});

it('a cancelled attempt lets go of the request and keeps nothing', async () => {
  const { send, transcribe, text } = await makeHouse();
  server.script('mute');
  const [hash = ''] = await send('a', [ogg(1)]);
  const attempt = activity();
  const work = transcribe('a', attempt);
  await expect.poll(() => server.requests.length).toBe(1);
  attempt.cancel();
  await expect(work).rejects.toMatchObject({ name: 'CancelledFailure' });
  expect(await text(hash)).toBeUndefined();
});

it('a message that the store lost is told apart from one without recordings', async () => {
  const { transcribe } = await makeHouse();
  await expect(transcribe('nothing')).rejects.toMatchObject({ type: 'StoreBehind', nonRetryable: true });
});

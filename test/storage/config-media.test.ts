/** `tools.media.audio` as the peer's files have it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/storage/config/index.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openclaw-config-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function load(audio: unknown) {
  writeFileSync(join(dir, 'openclaw.json'), JSON.stringify({ tools: { media: { audio } } }));
  const { config, warnings } = loadConfig({ env: { HOME: dir, OPENCLAW_STATE_DIR: dir } });
  return { audio: config.tools.media.audio, warnings: warnings.map(({ message }) => message) };
}

test('nothing is transcribed until a model is named', () => {
  expect(load({})).toEqual({ audio: { enabled: true, models: [], maxBytes: 20_971_520, timeoutSeconds: 60 }, warnings: [] });
});

test('a file of the peer’s is taken as it is', () => {
  const audio = { enabled: true, maxBytes: 20_971_520, timeoutSeconds: 45, language: 'de', models: [{ provider: 'openai', model: 'gpt-4o-mini-transcribe' }, { provider: 'groq' }] };
  expect(load(audio)).toEqual({ audio, warnings: [] });
});

test('an entry that starts a program is warned of, and no provider is put in its place', () => {
  const { audio, warnings } = load({ models: [{ type: 'cli', command: 'whisper' }] });
  expect(audio.models).toEqual([{}]);
  expect(warnings).toEqual([expect.stringContaining('tools.media.audio.models[0].type'), expect.stringContaining('tools.media.audio.models[0].command')]);
});

test('a wrong value is an error', () => {
  expect(() => load({ timeoutSeconds: 0 })).toThrow('tools.media.audio.timeoutSeconds');
  expect(() => load({ models: 'openai' })).toThrow('tools.media.audio.models');
});

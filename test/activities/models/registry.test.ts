/** Which model is used, with whose key; and that no key shows. */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ModelConfig } from '../../../src/activities/models/config.js';
import { ollamaAddress, probeOllama } from '../../../src/activities/models/ollama.js';
import { createModelRegistry } from '../../../src/activities/models/registry.js';
import { ModelError } from '../../../src/activities/models/types.js';
import { startModelServer } from '../../servers/model-server.js';
import { call, request, user } from './helpers.js';

const SECRET = 'secret-value-123456';
const registry = (env: Record<string, string> = {}, config: ModelConfig = {}) => createModelRegistry({ config, env });
const problemOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ type: 'ModelUnavailable' });
    return (error as Error).message;
  }
  throw new Error('it did not fail');
};

describe('without a choice', () => {
  test('no key at all: the offline provider', () => {
    const models = registry();
    expect(models.chain).toEqual(['offline/offline']);
    expect(models.resolve(models.chain[0]!)).toMatchObject({ model: 'offline', ref: 'offline/offline' });
  });

  test.each([
    [['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'DEEPSEEK_API_KEY', 'OPENROUTER_API_KEY'], 'anthropic/claude-opus-4-6'],
    [['ANTHROPIC_AUTH_TOKEN', 'OPENAI_API_KEY'], 'anthropic/claude-opus-4-6'],
    [['OPENAI_API_KEY', 'GEMINI_API_KEY', 'DEEPSEEK_API_KEY'], 'openai/'],
    [['GEMINI_API_KEY', 'DEEPSEEK_API_KEY', 'OPENROUTER_API_KEY'], 'gemini/'],
    [['DEEPSEEK_API_KEY', 'OPENROUTER_API_KEY'], 'deepseek/'],
    [['OPENROUTER_API_KEY'], 'openrouter/'],
  ])('%j: %s, and nothing beside it', (names, start) => {
    const models = registry(Object.fromEntries(names.map((name) => [name, SECRET])));
    expect(models.chain).toHaveLength(1);
    expect(models.chain[0]!.startsWith(start)).toBe(true);
    expect(models.status()[0]).toMatchObject({ available: true, source: names[0] });
  });

  test('a provider of the config’s own goes before a key in the environment', () => {
    const models = registry({ OPENAI_API_KEY: SECRET }, { models: { providers: { mine: { baseUrl: 'http://127.0.0.1:9/v1', models: [{ id: 'm1' }] } } } });
    expect(models.chain).toEqual(['mine/m1']);
  });

  test('an Ollama is the last before offline; a model that calls tools is preferred', () => {
    const ollama = { baseUrl: 'http://127.0.0.1:11434', models: [{ name: 'plain:1b', tools: false, images: false, reasoning: false }, { name: 'tool:8b', tools: true, images: true, reasoning: false }] };
    expect(createModelRegistry({ config: {}, env: {}, ollama }).chain).toEqual(['ollama/tool:8b']);
    expect(createModelRegistry({ config: {}, env: { OPENROUTER_API_KEY: SECRET }, ollama }).chain[0]).toMatch(/^openrouter\//);
    expect(createModelRegistry({ config: {}, env: { OLLAMA_CONTEXT_LENGTH: '8192' }, ollama }).list().find(({ ref }) => ref === 'ollama/tool:8b')).toMatchObject({ contextWindow: 8_192, images: true, available: true });
  });
});

describe('with a choice', () => {
  test('primary and fallbacks in order, without doubles; a string is a primary', () => {
    const model = { primary: 'openai/gpt-5.5', fallbacks: ['anthropic/claude-haiku-4-5', 'openai/gpt-5.5'] };
    expect(registry({}, { agents: { defaults: { model } } }).chain).toEqual(['openai/gpt-5.5', 'anthropic/claude-haiku-4-5']);
    expect(registry({ ANTHROPIC_API_KEY: SECRET }, { agents: { defaults: { model: 'deepseek/deepseek-v4-pro' } } }).chain).toEqual(['deepseek/deepseek-v4-pro']);
  });

  test('OPENCLAW_MODEL replaces the primary and keeps the fallbacks', () => {
    const config = { agents: { defaults: { model: { primary: 'openai/gpt-5.5', fallbacks: ['offline/offline'] } } } };
    expect(registry({ OPENCLAW_MODEL: 'gemini/gemini-3.5-flash' }, config).chain).toEqual(['gemini/gemini-3.5-flash', 'offline/offline']);
  });

  test.each([['claude-opus-4-6', 'anthropic/claude-opus-4-6'], ['gpt-5.5', 'openai/gpt-5.5'], ['anthropic', 'anthropic/claude-opus-4-6'], ['google/gemini-3.5-flash', 'gemini/gemini-3.5-flash'], ['offline', 'offline/offline'], ['openrouter/anthropic/claude-opus-4.6', 'openrouter/anthropic/claude-opus-4.6']])('%s is understood as %s', (given, ref) => {
    expect(registry({ OPENCLAW_MODEL: given }).chain).toEqual([ref]);
  });

  test('what is missing is said with what to do', () => {
    expect(problemOf(() => registry().resolve('anthropic/claude-opus-4-6'))).toMatch(/ANTHROPIC_API_KEY/);
    expect(problemOf(() => registry().resolve('nobody/x'))).toMatch(/models\.providers\.nobody/);
    expect(problemOf(() => registry().resolve('wonder'))).toMatch(/provider\/model/);
    expect(problemOf(() => registry({}, { models: { providers: { mine: { baseUrl: 'http://x/v1', api: 'carrier-pigeon', apiKey: 'k' } } } }).resolve('mine/m'))).toMatch(/carrier-pigeon/);
    expect(problemOf(() => registry({}, { models: { providers: { mine: { apiKey: 'k' } } } }).resolve('mine/m'))).toMatch(/baseUrl/);
    expect(problemOf(() => registry({}, { models: { providers: { mine: { baseUrl: 'https://models.example/v1' } } } }).resolve('mine/m'))).toMatch(/MINE_API_KEY/);
    expect(registry({ OPENCLAW_MODEL: 'openai/gpt-5.5' }).status()[0]).toMatchObject({ available: false, problem: expect.stringContaining('OPENAI_API_KEY') as string });
  });
});

describe('keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-keys-'));
  const file = (name: string, text: string, mode: number): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const openai = (provider: NonNullable<NonNullable<ModelConfig['models']>['providers']>[string], env: Record<string, string> = {}) => registry(env, { models: { providers: { openai: provider } }, agents: { defaults: { model: 'openai/gpt-5.5' } } });

  test('${VAR}, a literal, a reference and a file of mode 0600 all work; the source is named, the key never', () => {
    const path = file('good', `${SECRET}\n`, 0o600);
    for (const [models, source] of [
      [openai({ apiKey: '${MY_KEY}' }, { MY_KEY: SECRET }), 'MY_KEY'],
      [openai({ apiKey: SECRET }), 'config'],
      [openai({ apiKey: { source: 'env', id: 'MY_KEY' } }, { MY_KEY: SECRET }), 'MY_KEY'],
      [openai({ apiKey: { source: 'file', path } }), `file ${path}`],
      [openai({ apiKey: { source: 'file', id: path } }), `file ${path}`],
      [openai({ apiKeyFile: path }), `file ${path}`],
    ] as const) {
      expect(models.status()[0]).toEqual({ ref: 'openai/gpt-5.5', provider: 'openai', available: true, source });
      expect(models.resolve('openai/gpt-5.5').model).toBe('gpt-5.5');
      expect(JSON.stringify([models.status(), models.list(), models.chain])).not.toContain(SECRET);
    }
  });

  test.each([
    ['a file that others can read', () => file('loose', SECRET, 0o644), /mode 0644.*chmod 600/],
    ['a file that the group can read', () => file('group', SECRET, 0o640), /mode 0640/],
    ['an empty file', () => file('empty', ' \n', 0o600), /is empty/],
    ['no file', () => join(folder, 'none'), /ENOENT/],
    ['a relative path', () => 'keys/a', /absolute path/],
  ])('%s is refused', (_, path, expected) => {
    const message = problemOf(() => openai({ apiKeyFile: path() }).resolve('openai/gpt-5.5'));
    expect(message).toMatch(expected);
    expect(message).not.toContain(SECRET);
  });

  test('a variable that is not set, and a source nobody knows, are said', () => {
    expect(problemOf(() => openai({ apiKey: '${NOT_SET}' }).resolve('openai/gpt-5.5'))).toMatch(/NOT_SET/);
    expect(problemOf(() => openai({ apiKey: { source: 'exec', id: 'pass show key' } }).resolve('openai/gpt-5.5'))).toMatch(/"exec"/);
  });
});

test('a custom provider of the peer’s config answers, on both wires, with its own facts', async () => {
  const server = await startModelServer({ key: SECRET });
  const config: ModelConfig = {
    agents: { defaults: { model: { primary: 'mine/big', fallbacks: ['theirs/claude-x'] } } },
    models: {
      providers: {
        mine: { baseUrl: server.baseUrl('openai'), apiKey: '${MINE}', api: 'openai-completions', models: [{ id: 'big', name: 'Big', contextWindow: 50_000, maxTokens: 9_000, input: ['text', 'image'], reasoning: true, cost: { input: 1, output: 2, cacheRead: 0.1, cacheWrite: 0 } }] },
        theirs: { baseUrl: server.baseUrl('anthropic'), apiKey: SECRET, api: 'anthropic-messages', headers: { 'x-team': '${TEAM}' }, models: [{ id: 'claude-x' }] },
      },
    },
  };
  const models = registry({ MINE: SECRET, TEAM: 'blue' }, config);
  for (const ref of models.chain) {
    const { provider, model } = models.resolve(ref);
    expect((await call(provider, request(model, [user('hi')]))).answer.text).toBe('echo: hi');
  }
  expect(server.requests.map((seen) => seen.wire)).toEqual(['openai', 'anthropic']);
  expect(server.requests[1]!.headers['x-team']).toBe('blue');
  expect(models.list()[0]).toEqual({ ref: 'mine/big', available: true, contextWindow: 50_000, maxTokens: 9_000, images: true, reasoning: true, price: { input: 1, output: 2, cacheRead: 0.1, cacheWrite: 0 } });
  await server.close();
});

test('addresses of built-in providers come from config, else from their variable', async () => {
  const server = await startModelServer({ key: SECRET });
  const env = { ANTHROPIC_API_KEY: SECRET, ANTHROPIC_BASE_URL: server.url, OPENAI_API_KEY: SECRET, OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' };
  const models = registry(env, { models: { providers: { openai: { baseUrl: server.baseUrl('openai') } } } });
  for (const ref of ['anthropic/claude-opus-4-6', 'openai/gpt-5.5']) {
    const { provider, model } = models.resolve(ref);
    expect((await call(provider, request(model, [user('hi')]))).answer.text).toBe('echo: hi');
  }
  await server.close();
});

describe('Ollama', () => {
  test('is asked on loopback only, whatever OLLAMA_HOST says', async () => {
    expect(ollamaAddress({})).toBe('http://127.0.0.1:11434');
    expect(ollamaAddress({ OLLAMA_HOST: '127.0.0.1:9999' })).toBe('http://127.0.0.1:9999');
    expect(ollamaAddress({ OLLAMA_HOST: '0.0.0.0' })).toBe('http://127.0.0.1:11434');
    expect(ollamaAddress({ OLLAMA_HOST: 'http://models.example:80' })).toBe('http://127.0.0.1:11434');
    expect(ollamaAddress({ OLLAMA_HOST: '::: nonsense' })).toBe('http://127.0.0.1:11434');
    expect(await probeOllama('http://192.0.2.1:11434', 50)).toBeUndefined();
  });

  test('the peer’s way to write its address works', async () => {
    const server = await startModelServer();
    for (const baseUrl of [server.url, `${server.url}/`, `${server.url}/v1`]) {
      const models = registry({}, { models: { providers: { ollama: { baseUrl, api: 'ollama', apiKey: 'test-key-0123456789', models: [{ id: 'qwen3:8b' }] } } } });
      expect(models.chain).toEqual(['ollama/qwen3:8b']);
      const { provider, model } = models.resolve(models.chain[0]!);
      expect((await call(provider, request(model, [user('hi')]))).answer.text).toBe('echo: hi');
    }
    await server.close();
  });

  test('is found with its models; nobody, silence and somebody else are nothing', async () => {
    const listen = async (answer: (path: string) => unknown) => {
      const server = createServer((req, res) => {
        const body = answer(req.url ?? '');
        if (body !== undefined) res.end(JSON.stringify(body));
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => (server.closeAllConnections(), server.close()) };
    };
    const real = await listen((path) => (path === '/api/tags' ? { models: [{ name: 'a:1b' }, { name: 'b:8b' }] } : { capabilities: ['completion', 'tools', 'thinking'] }));
    expect(await probeOllama(real.url, 2_000)).toEqual({ baseUrl: real.url, models: ['a:1b', 'b:8b'].map((name) => ({ name, tools: true, images: false, reasoning: true })) });
    real.stop();
    expect(await probeOllama(real.url, 2_000)).toBeUndefined();
    const silent = await listen(() => undefined);
    expect(await probeOllama(silent.url, 100)).toBeUndefined();
    silent.stop();
    const other = await listen(() => ({ hello: 'world' }));
    expect(await probeOllama(other.url, 2_000)).toBeUndefined();
    other.stop();
  });
});

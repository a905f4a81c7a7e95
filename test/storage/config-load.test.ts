/** What a config file means, and what is said when it is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CodedError } from '../../src/core/errors.js';
import { ConfigSchema } from '../../src/core/schema/config.js';
import { fileSchema, loadConfig, showIssue } from '../../src/storage/config/index.js';
import { checkConfig, type Schema } from '../../src/storage/config/check.js';
import { readConnection } from '../../src/storage/config/connection.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openclaw-config-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ HOME: dir, OPENCLAW_STATE_DIR: dir, ...more });

function load(text: string, more: NodeJS.ProcessEnv = {}) {
  writeFileSync(join(dir, 'openclaw.json'), text);
  return loadConfig({ env: env(more) });
}

function problem(text: string, more: NodeJS.ProcessEnv = {}): CodedError {
  try {
    load(text, more);
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('the config was accepted');
}

describe('defaults', () => {
  test('no file is the defaults, and they are valid by the schema', () => {
    const { config, exists, warnings } = loadConfig({ env: env() });
    expect(exists).toBe(false);
    expect(warnings).toEqual([]);
    expect([...Value.Errors(ConfigSchema, config)]).toEqual([]);
    expect(config.gateway.port).toBe(18789);
    expect(config.tools.exec.mode).toBe('ask');
    expect(config.agents.defaults.maxSteps).toBe(100);
    expect(config.temporal).toEqual({ namespace: 'openclaw', retentionDays: 30, synchronous: 'full' });
    expect(config.agents.defaults.model).toBeUndefined();
  });

  test('an empty file, comments and trailing commas are fine', () => {
    expect(load('').config.gateway.port).toBe(18789);
    expect(load('// mine\n{ gateway: { port: 4000, }, }\n').config.gateway.port).toBe(4000);
  });

  test('every property of the schema has a description and a default or may be absent', () => {
    const missing: string[] = [];
    const visit = (node: unknown, path: string, required: boolean): void => {
      const schema = node as { description?: string; default?: unknown; properties?: Record<string, unknown>; required?: string[]; anyOf?: unknown[]; items?: unknown };
      if (path !== '' && schema.description === undefined) missing.push(`${path}: description`);
      if (path !== '' && required && schema.default === undefined && !/\.(id|start|end|source)$/.test(path)) missing.push(`${path}: default`);
      for (const [key, inner] of Object.entries(schema.properties ?? {})) visit(inner, path === '' ? key : `${path}.${key}`, schema.required?.includes(key) ?? false);
    };
    visit(ConfigSchema, '', false);
    expect(missing).toEqual([]);
  });

  test('the file schema requires nothing that has a default', () => {
    expect(fileSchema()['required']).toBeUndefined();
    expect(JSON.stringify(fileSchema())).toContain('"required":["id"]');
  });
});

describe('errors', () => {
  test('a wrong type names file, line, column and path', () => {
    const error = problem('{\n  agents: {\n    defaults: {\n      maxSteps: "many",\n    },\n  },\n}\n');
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toBe('openclaw.json:4:17 agents.defaults.maxSteps must be a number');
    expect(error.details?.['issues']).toHaveLength(1);
  });

  test('all errors are reported at once', () => {
    const error = problem('{gateway: {port: 0, bind: "lan"}, tools: {exec: {mode: "maybe"}}, temporal: {retentionDays: 1.5}}');
    expect(error.message.split('\n')).toEqual([
      'openclaw.json:1:18 gateway.port must be between 1 and 65535',
      'openclaw.json:1:27 gateway.bind must be "loopback"',
      'openclaw.json:1:56 tools.exec.mode must be one of deny, allowlist, ask, full',
      'openclaw.json:1:93 temporal.retentionDays must be a whole number',
    ]);
  });

  test.each([
    ['{a: 1', 'CONFIG_SYNTAX', /^openclaw\.json:1:6 Unexpected end of input$/],
    ['{gateway: {\n port 1}}', 'CONFIG_SYNTAX', /^openclaw\.json:2:7 /],
    ['[1]', 'CONFIG_INVALID', /the config must be an object/],
    ['{$include: "./other.json"}', 'CONFIG_INVALID', /:1:2 \$include is not supported/],
    ['{agents: {defaults: {model: 3}}}', 'CONFIG_INVALID', /agents\.defaults\.model must be text or an object/],
    ['{models: {providers: {x: {models: [{name: "n"}]}}}}', 'CONFIG_INVALID', /models\.providers\.x\.models\[0\]\.id is missing/],
    ['{agents: {defaults: {heartbeat: {every: "soon"}}}}', 'CONFIG_INVALID', /every must be a duration such as 30m/],
  ])('%s', (text, code, message) => {
    const error = problem(text);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

describe('unknown keys', () => {
  test('an unknown key is a warning with the nearest valid key and does not fail', () => {
    const { warnings, path } = load('{\n  agents: { defaults: { maxStep: 5 } },\n  wizard: { lastRun: "x" },\n}');
    expect(warnings.map((issue) => showIssue(issue, path))).toEqual([
      'openclaw.json:2:25 unknown key agents.defaults.maxStep: did you mean agents.defaults.maxSteps?',
      'openclaw.json:3:3 unknown key wizard: it is ignored',
    ]);
  });

  test('a key whose effect comes later is a warning', () => {
    expect(load('{agents: {defaults: {heartbeat: {every: "5m"}}}}').warnings.map((warning) => warning.message)).toEqual(['agents.defaults.heartbeat has no effect in this version yet']);
  });

  test('a value only the peer knows is a warning and the default is used', () => {
    const { config, warnings } = load('{agents: {defaults: {thinkingDefault: "xhigh"}}}');
    expect(config.agents.defaults.thinkingDefault).toBe('off');
    expect(warnings[0]?.message).toContain('"off" is used');
  });

  test('a file of the peer with a custom provider loads unchanged', () => {
    const { config } = load(
      `{
        meta: { lastTouchedVersion: "2026.9.6" }, wizard: { lastRunMode: "local" },
        gateway: { mode: "local", port: 18789, bind: "loopback", auth: { mode: "token", token: "t-1" }, reload: { mode: "hybrid" }, tailscale: { mode: "off" } },
        models: { mode: "merge", providers: { "my-llm": {
          baseUrl: "http://127.0.0.1:1234/v1", apiKey: "\${MY_KEY}", api: "openai-completions",
          models: [{ id: "qwen", name: "Qwen", reasoning: false, input: ["text"], cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, contextWindow: 32000, maxTokens: 4096 }],
        } } },
        agents: { defaults: { model: { primary: "my-llm/qwen", fallbacks: ["anthropic/claude-opus-4-6"] }, workspace: "~/ws", compaction: { mode: "safeguard" } } },
        messages: { queue: { mode: "steer" } }, channels: { telegram: { enabled: true, botToken: "1:a" } }, skills: {}, plugins: { entries: {} },
      }`,
    );
    expect(config.agents.defaults.model).toEqual({ primary: 'my-llm/qwen', fallbacks: ['anthropic/claude-opus-4-6'] });
    // Lazy: the variable is not set and the config still loads.
    expect(config.models.providers['my-llm']?.apiKey).toBe('${MY_KEY}');
    expect(config.channels.telegram).toMatchObject({ enabled: true, botToken: '1:a' });
    expect([...Value.Errors(ConfigSchema, config)]).toEqual([]);
  });
});

test('what is an error is an error to TypeBox too, and the other way round', () => {
  const base = loadConfig({ env: env() }).config as unknown as Record<string, unknown>;
  const samples: readonly unknown[] = ['x', '', '30m', 1.5, -1, 0, 70_000, true, null, [], ['a'], [1], {}, { a: 1 }];
  const schema = fileSchema() as unknown as TSchema;
  const disagree: string[] = [];
  let compared = 0;
  for (const path of leaves(schema as unknown as Node, [])) {
    for (const sample of samples) {
      const value = put(base, path, sample);
      const ours = checkConfig(ConfigSchema as unknown as Schema, value).errors.length === 0;
      const theirs = Value.Check(schema, value);
      compared += 1;
      if (ours !== theirs) disagree.push(`${path.join('.')} = ${JSON.stringify(sample)}: ours ${ours}, TypeBox ${theirs}`);
    }
  }
  expect(disagree).toEqual([]);
  expect(compared).toBeGreaterThan(800);
});

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly 'x-lenient'?: true;
}

/** Every place of the schema; enums that only warn are left out. */
function* leaves(node: Node, path: readonly string[]): Generator<readonly string[]> {
  if (path.length > 0 && node['x-lenient'] === undefined) yield path;
  for (const [key, inner] of Object.entries(node.properties ?? {})) yield* leaves(inner, [...path, key]);
  for (const inner of Object.values(node.patternProperties ?? {})) if (!JSON.stringify(inner).includes('x-lenient')) yield* leaves(inner, [...path, 'any']);
}

function put(base: Readonly<Record<string, unknown>>, [key = '', ...rest]: readonly string[], value: unknown): Record<string, unknown> {
  const inner = base[key];
  const object = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Record<string, unknown>) : {};
  return { ...base, [key]: rest.length === 0 ? value : put(object, rest, value) };
}

describe('variables', () => {
  test('${VAR} is replaced, $${VAR} is not', () => {
    const { config } = load('{gateway: {auth: {token: "${T}-x"}}, tools: {fs: {roots: ["${R}/a", "$${R}"]}}}', { T: 'tok', R: '/r' });
    expect(config.gateway.auth.token).toBe('tok-x');
    expect(config.tools.fs.roots).toEqual(['/r/a', '${R}']);
  });

  test('a missing variable is an error that names it', () => {
    expect(problem('{gateway: {auth: {token: "${NOPE}"}}}').message).toBe(
      'openclaw.json:1:26 gateway.auth.token needs the environment variable NOPE, which is not set',
    );
  });

  test('the peer\'s secret references: env is read, other sources are refused', () => {
    expect(load('{gateway: {auth: {token: {source: "env", provider: "default", id: "T"}}}}', { T: 'tok' }).config.gateway.auth.token).toBe('tok');
    expect(problem('{tools: {web: {search: {apiKey: {source: "exec", id: "x"}}}}}').message).toMatch(/source/);
    // A provider's key is the provider's business: a source it cannot use must not keep the gateway from starting.
    const key = { source: 'file', id: '~/key' };
    expect(load(`{models: {providers: {x: {apiKey: ${JSON.stringify(key)}}}}}`).config.models.providers['x']?.apiKey).toEqual(key);
  });
});

describe('what a client reads without the schema', () => {
  test.each([
    ['{}', {}],
    ['{gateway: {port: 4001, auth: {token: "abc"}}}', {}],
    ['{gateway: {auth: {token: "${T}"}}}', { T: 'from-env' }],
    ['{gateway: {auth: {token: {source: "env", id: "T"}}}}', { T: 'ref' }],
    ['{gateway: {port: 4001}}', { OPENCLAW_GATEWAY_PORT: '4002' }],
    ['{}', { OPENCLAW_PROFILE: 'dev' }],
  ])('agrees with the loaded config: %s', (text, more) => {
    const { config } = load(text, more);
    const connection = readConnection({ env: env(more) });
    expect(connection.port).toBe(config.gateway.port);
    expect(connection.token).toBe(config.gateway.auth.token);
  });
});

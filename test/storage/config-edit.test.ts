/** Changing the config file keeps everything else in it, and no secret is shown or lost. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  configHash, gatewayToken, loadOrCreateToken, parsePath, REDACTED, redactConfig, redactRaw, replaceConfig, resolvePaths, setConfig,
  stateDirProblem, tokenPath, unsetConfig, workspaceOf,
} from '../../src/storage/config/index.js';
import { setInText, unsetInText } from '../../src/storage/config/text-edit.js';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openclaw-edit-'));
  path = join(dir, 'openclaw.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const set = (text: string, at: string, value: unknown): string => setInText(text, parsePath(at), value);

describe('text', () => {
  test('a value is replaced and every comment stays', () => {
    const text = '// top\n{\n  gateway: { port: 1, /* why */ bind: "loopback" }, // tail\n  custom: [1,2],\n}\n';
    expect(set(text, 'gateway.port', 4000)).toBe(text.replace('port: 1', 'port: 4000'));
  });

  test.each([
    ['', 'a.b', 1, '{\n  "a": {\n    "b": 1\n  }\n}\n'],
    ['{}', 'a', 1, '{\n  "a": 1\n}'],
    ['{a: 1}', 'b', 'x', '{a: 1, b: "x"}'],
    ['{a: 1,}', 'b', 'x', '{a: 1, b: "x",}'],
    ['{\n  a: 1 // one\n}', 'b', 2, '{\n  a: 1, // one\n  b: 2\n}'],
    ['{\n  a: 1, // one\n}', 'b', 2, '{\n  a: 1, // one\n  b: 2,\n}'],
    ['{\n\t"a": {\n\t\t"x": 1\n\t}\n}', 'a.y', [1], '{\n\t"a": {\n\t\t"x": 1,\n\t\t"y": [\n\t\t  1\n\t\t]\n\t}\n}'],
    ['{\n  // nothing yet\n}\n', 'a', 1, '{\n  // nothing yet\n  "a": 1\n}\n'],
    ['{a: [1, 2]}', 'a[2]', 3, '{a: [1, 2, 3]}'],
    ['{a: [{b: 1}]}', 'a[0].b', 2, '{a: [{b: 2}]}'],
    ['{a: {}}', 'a["my.key"]', 2, '{a: {\n  "my.key": 2\n}}'],
  ])('%j set %s', (text, at, value, expected) => {
    expect(set(text, at, value)).toBe(expected);
  });

  test.each([
    ['{\n  a: 1, // one\n  b: 2\n}', 'b', '{\n  a: 1 // one\n}'],
    ['{\n  a: 1,\n  b: 2,\n}', 'a', '{\n  b: 2,\n}'],
    ['{a: 1, b: 2}', 'a', '{b: 2}'],
    ['{a: 1, b: 2}', 'b', '{a: 1 }'],
    ['{a: [1, 2, 3]}', 'a[1]', '{a: [1, 3]}'],
    ['{a: 1}', 'x.y', '{a: 1}'],
  ])('%j unset %s', (text, at, expected) => {
    expect(unsetInText(text, parsePath(at))).toBe(expected);
  });

  test('bad paths are refused with what is wrong', () => {
    expect(() => parsePath('a..b')).toThrow(/no config path/);
    expect(() => parsePath('')).toThrow(/empty/);
    expect(() => set('{a: 1}', 'a.b', 2)).toThrow(/a is a plain value/);
    expect(() => set('{a: []}', 'a[4]', 2)).toThrow(/The next free one|0 entries/);
  });
});

describe('file', () => {
  const target = () => ({ path, env: {} });

  test('set writes a checked file of mode 0600 and keeps unknown keys', () => {
    writeFileSync(path, '{\n  // mine\n  strange: true,\n}\n', { mode: 0o644 });
    const written = setConfig(target(), parsePath('gateway.port'), 4000);
    expect(written.config.gateway.port).toBe(4000);
    expect(written.warnings).toHaveLength(1);
    expect(readFileSync(path, 'utf8')).toContain('// mine\n  strange: true,');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('an invalid result is not written', () => {
    writeFileSync(path, '{}');
    expect(() => setConfig(target(), parsePath('gateway.port'), 'x')).toThrow(/gateway\.port must be a number/);
    expect(readFileSync(path, 'utf8')).toBe('{}');
  });

  test('a file that changed since it was read is not written', () => {
    writeFileSync(path, '{}');
    expect(() => setConfig({ ...target(), baseHash: configHash('other') }, parsePath('gateway.port'), 1)).toThrow(/changed by someone else/);
    expect(setConfig({ ...target(), baseHash: configHash('{}') }, parsePath('gateway.port'), 1).changed).toBe(true);
  });

  test('unset of what is not set says so; a link stays a link', () => {
    const real = join(dir, 'real.json');
    writeFileSync(real, '{gateway: {port: 4000}}');
    symlinkSync(real, path);
    unsetConfig(target(), parsePath('gateway.port'));
    expect(readFileSync(real, 'utf8')).not.toContain('4000');
    expect(() => unsetConfig(target(), parsePath('gateway.port'))).toThrow(/is not set/);
  });
});

describe('secrets', () => {
  const text = '{gateway: {auth: {token: "s3cret"}}, models: {providers: {x: {apiKey: "sk-1", headers: {"x-k": "h"}}, y: {apiKey: "${KEY}"}}}, channels: {telegram: {botToken: "1:a", name: "n"}}}';

  test('nothing secret is shown; variables are', () => {
    const shown = redactRaw(text);
    for (const secret of ['s3cret', 'sk-1', '"h"', '1:a']) expect(shown).not.toContain(secret);
    expect(shown).toContain('${KEY}');
    expect(shown).toContain('name: "n"');
    expect(JSON.stringify(redactConfig({ gateway: { auth: { token: 's3cret' } } }))).toBe(`{"gateway":{"auth":{"token":"${REDACTED}"}}}`);
  });

  test('what was shown can be saved without losing a secret', () => {
    writeFileSync(path, text);
    replaceConfig({ path, env: {} }, redactRaw(text).replace('"n"', '"m"'));
    expect(readFileSync(path, 'utf8')).toBe(text.replace('"n"', '"m"'));
    setConfig({ path, env: {} }, parsePath('gateway.auth'), { token: REDACTED });
    expect(readFileSync(path, 'utf8')).toContain('s3cret');
    expect(() => setConfig({ path, env: {} }, parsePath('models.providers.z.apiKey'), REDACTED)).toThrow(/hidden form/);
  });

  test('the token is made once, 0600, and kept', () => {
    const state = join(dir, 'state');
    const token = loadOrCreateToken(state);
    expect(token.length).toBeGreaterThan(40);
    expect(statSync(tokenPath(state)).mode & 0o777).toBe(0o600);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    chmodSync(tokenPath(state), 0o644);
    expect(loadOrCreateToken(state)).toBe(token);
    expect(statSync(tokenPath(state)).mode & 0o777).toBe(0o600);
    expect(gatewayToken({ env: { OPENCLAW_GATEWAY_TOKEN: 'e' }, configured: 'c', stateDir: state })).toBe('e');
    expect(gatewayToken({ env: {}, configured: 'c', stateDir: state })).toBe('c');
    expect(gatewayToken({ env: {}, stateDir: state })).toBe(token);
  });

  test('an empty token file left by a crash is replaced', () => {
    writeFileSync(tokenPath(dir), '');
    expect(loadOrCreateToken(dir)).toBe(readFileSync(tokenPath(dir), 'utf8').trim());
  });
});

describe('paths', () => {
  test('profiles, --dev and the environment', () => {
    expect(resolvePaths({ env: { HOME: '/h' } })).toMatchObject({ stateDir: '/h/.openclaw', configPath: '/h/.openclaw/openclaw.json', defaultPort: 18789 });
    expect(resolvePaths({ env: { HOME: '/h' }, profile: 'work' }).stateDir).toBe('/h/.openclaw-work');
    expect(resolvePaths({ env: { HOME: '/h' }, dev: true })).toMatchObject({ stateDir: '/h/.openclaw-dev', defaultPort: 19001, profile: 'dev' });
    const fixed = resolvePaths({ env: { HOME: '/h', OPENCLAW_STATE_DIR: '~/s', OPENCLAW_CONFIG_PATH: '/c.json', OPENCLAW_WORKSPACE_DIR: '/w', OPENCLAW_GATEWAY_PORT: '4000' } });
    expect(fixed).toMatchObject({ stateDir: '/h/s', configPath: '/c.json', workspace: '/w', port: 4000 });
    expect(workspaceOf(fixed, '/other', {})).toBe('/w');
    expect(workspaceOf(resolvePaths({ env: { HOME: '/h' } }), '~/other', { HOME: '/h' })).toBe('/h/other');
    expect(() => resolvePaths({ env: { HOME: '/h' }, profile: '../x' })).toThrow(/no profile name/);
    expect(() => resolvePaths({ env: { HOME: '/h', OPENCLAW_GATEWAY_PORT: 'x' } })).toThrow(/must be a port number/);
  });

  test('the peer\'s state directory is refused and named, ours and an empty one are not', () => {
    const state = join(dir, 's');
    expect(stateDirProblem(state)).toBeUndefined();
    mkdirSync(join(state, 'agents'), { recursive: true });
    expect(stateDirProblem(state)).toMatchObject({ code: 'STATE_DIR_OF_PEER' });
    expect(stateDirProblem(state)?.hint).toMatch(/openclaw import --from .*|OPENCLAW_STATE_DIR/);
    writeFileSync(join(state, 'openclaw.db'), '');
    expect(stateDirProblem(state)).toBeUndefined();
    expect(existsSync(join(state, 'gateway-token'))).toBe(false);
  });

  test('a file in the way and a directory that cannot be written are named', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(stateDirProblem(join(dir, 'file', 'x'))).toMatchObject({ code: 'STATE_DIR_NOT_A_DIRECTORY' });
    if (process.getuid?.() !== 0) {
      mkdirSync(join(dir, 'ro'), { mode: 0o500 });
      expect(stateDirProblem(join(dir, 'ro'))).toMatchObject({ code: 'STATE_DIR_UNWRITABLE' });
    }
  });
});

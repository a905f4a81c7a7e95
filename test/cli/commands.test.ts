/** Every command keeps the conventions: one document on stdout under --json, words on stderr, coded failures. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startGatewayStub, type GatewayStub, type StubOptions } from '../servers/gateway-stub.js';
import { makeInstallation, type Installation } from './cli.js';

let home: Installation;
const stubs: GatewayStub[] = [];
beforeEach(() => {
  home = makeInstallation();
});
afterEach(async () => {
  await Promise.all(stubs.splice(0).map((stub) => stub.close()));
  home.remove();
});

async function stub(options: StubOptions): Promise<GatewayStub> {
  const started = await startGatewayStub(options);
  stubs.push(started);
  home.env['OPENCLAW_GATEWAY_PORT'] = String(started.port);
  return started;
}

/** A port on which nobody listens. */
async function nobody(): Promise<void> {
  const started = await startGatewayStub();
  home.env['OPENCLAW_GATEWAY_PORT'] = String(started.port);
  await started.close();
}

const json = async (args: readonly string[]) => {
  const result = await home.run([...args, '--json']);
  return { ...result, document: JSON.parse(result.stdout) as Record<string, unknown> };
};

const STATUS = {
  sessions: { count: 2, recent: [{ key: 'agent:main:main', status: 'running', updatedAt: Date.now(), totalTokens: 1234 }] },
  models: { primary: 'anthropic/claude-opus-4-6', fallbacks: ['openai/x'], contextTokens: 1, configured: true, providers: [] },
  runs: { running: 1, queued: 3, failed: 0 },
  gateway: { uptimeMs: 65_000, ready: true, failing: [], details: { engine: { up: true, address: '127.0.0.1:7233', namespace: 'openclaw', uiUrl: 'http://127.0.0.1:8233/temporal' } } },
};

describe('status', () => {
  test('without a gateway it says so, and how to start one', async () => {
    await nobody();
    const { code, stdout } = await home.run(['status']);
    expect(code).toBe(0);
    expect(stdout).toContain('not running');
    expect(stdout).toContain('Start the gateway:  openclaw gateway');
    // eslint-disable-next-line no-control-regex -- escapes are what must not be there
    expect(stdout).not.toMatch(/\u001b/);
  });

  test('with one: gateway, engine with its page, model, runs, sessions', async () => {
    await stub({ methods: { status: () => STATUS } });
    const { stdout } = await home.run(['status']);
    for (const part of ['version 9.9.9, up 1 min 5 s', 'Temporal up 127.0.0.1:7233, namespace openclaw', 'http://127.0.0.1:8233/temporal', 'anthropic/claude-opus-4-6, then openai/x', '1 running, 3 queued', 'agent:main:main']) {
      expect(stdout).toContain(part);
    }
  });

  test('--json in both cases is one document', async () => {
    await nobody();
    expect((await json(['status'])).document).toMatchObject({ gateway: { reachable: false, problem: { code: 'GATEWAY_DOWN' } } });
    await stub({ methods: { status: () => STATUS } });
    expect((await json(['status'])).document).toMatchObject({ gateway: { reachable: true, version: '9.9.9' }, status: STATUS });
  });
});

test('status counts who waits for a person apart from who works; notices name what puts them away', async () => {
  const notice = { key: 'engine fresh', level: 'warn', text: 'The engine is new.', times: 1, lastAt: Date.now() };
  await stub({ methods: { status: () => ({ ...STATUS, runs: { running: 4, queued: 0, waitForApproval: 1, waitForBudget: 2 } }), 'notices.list': () => ({ notices: [notice] }) } });
  expect((await home.run(['status'])).stdout).toContain('1 running, 1 waiting for approval, 2 waiting for a budget, 0 queued');
  expect((await home.run(['notices', 'list'])).stdout).toMatch(/ ago · put away: openclaw notices dismiss 'engine fresh'\n$/);
});

describe('a gateway that cannot be used is named by what is wrong', () => {
  test('nobody there', async () => {
    await nobody();
    expect((await json(['health'])).document).toMatchObject({ ok: false, error: { code: 'GATEWAY_DOWN', hint: 'Start it with: openclaw gateway' } });
  });

  test('wrong token, and none', async () => {
    await stub({ token: 'right' });
    home.env['OPENCLAW_GATEWAY_TOKEN'] = 'wrong';
    const wrong = await home.run(['health']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/^Error: The gateway refused the token: .*\(BAD_TOKEN\) → Use --token/);
    delete home.env['OPENCLAW_GATEWAY_TOKEN'];
    expect((await home.run(['health'])).stderr).toMatch(/wants a token and none was found \(BAD_TOKEN\)/);
  });

  test('the token of flag, environment, config and file', async () => {
    const gateway = await stub({ token: 'right', methods: { health: () => ({ ok: true }) } });
    expect((await home.run(['health', '--token', 'right'])).code).toBe(0);
    expect((await home.run(['health'], { env: { OPENCLAW_GATEWAY_TOKEN: 'right' } })).code).toBe(0);
    mkdirSync(home.stateDir, { recursive: true });
    writeFileSync(join(home.stateDir, 'gateway-token'), 'right\n');
    expect((await home.run(['health'])).code).toBe(0);
    writeFileSync(join(home.stateDir, 'openclaw.json'), '{gateway: {auth: {token: "other"}}}');
    expect((await home.run(['health'])).code).toBe(1);
    expect(gateway.calls).toHaveLength(3);
  });

  test('another protocol version', async () => {
    await stub({ refuse: { code: 'INVALID_REQUEST', message: 'protocol mismatch', details: { code: 'PROTOCOL_MISMATCH', expectedProtocol: 9 }, close: 1002 } });
    expect((await json(['health'])).document).toMatchObject({ error: { code: 'PROTOCOL_MISMATCH' } });
  });

  test('one that never answers: exit 3 in the time given', async () => {
    await stub({ silent: true });
    const result = await home.run(['health', '--timeout', '300']);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('GATEWAY_TIMEOUT');
    expect(result.ms).toBeLessThan(3_000);
  });

  test('an address that is none', async () => {
    expect((await home.run(['health', '--url', 'http://x'])).code).toBe(2);
  });
});

describe('the commands of the wire', () => {
  test('health', async () => {
    await stub({ methods: { health: () => ({ ok: true, sessions: { count: 0 } }) } });
    expect((await home.run(['health'])).stdout).toMatch(/^Gateway ok \(version 9\.9\.9/);
    expect((await json(['health'])).document).toMatchObject({ ok: true });
  });

  test('gateway call', async () => {
    const gateway = await stub({ methods: { 'x.y': (params) => ({ got: params }) } });
    expect(JSON.parse((await home.run(['gateway', 'call', 'x.y', '--params', '{"a":1}'])).stdout)).toEqual({ got: { a: 1 } });
    expect((await json(['gateway', 'call', 'no.such'])).document).toMatchObject({ ok: false, error: { type: 'rpc_error', code: 'INVALID_REQUEST', message: 'unknown method: no.such' } });
    expect((await home.run(['gateway', 'call', 'x.y', '--params', '{a'])).code).toBe(2);
    expect(gateway.calls).toHaveLength(2);
  });

  test('runs list and abort', async () => {
    const run = { runId: 'r-1', sessionKey: 'agent:main:main', state: 'running', acceptedAt: 1, startedAt: 2, endedAt: null, durationMs: 3, usage: { totalTokens: 7 } };
    const gateway = await stub({
      methods: {
        'runs.list': () => ({ runs: [run] }),
        'runs.get': () => ({ run, steps: [] }),
        'chat.abort': () => ({ ok: true, aborted: true, runIds: ['r-1'] }),
      },
    });
    expect((await home.run(['runs', 'list', '--session', 'main', '--state', 'running', '--limit', '3'])).stdout).toMatch(/r-1 +agent:main:main +running/);
    expect(gateway.calls[0]?.params).toEqual({ limit: 3, sessionKey: 'main', state: 'running' });
    expect((await home.run(['runs', 'show', 'r-1'])).stdout).toContain('agent:main:main');
    expect((await home.run(['runs', 'abort', 'r-1'])).stdout).toBe('Stopped r-1.\n');
    expect(gateway.calls.at(-1)?.params).toEqual({ sessionKey: 'agent:main:main', runId: 'r-1' });
  });

  test('sessions and models', async () => {
    await stub({
      methods: {
        'sessions.list': () => ({ sessions: [{ key: 'agent:main:main', status: 'done', updatedAt: Date.now(), totalTokens: 5, model: 'm', modelProvider: 'p' }] }),
        'models.list': () => ({ models: [{ id: 'm', provider: 'p', name: 'M', contextWindow: 200_000, available: false }] }),
        'models.status': () => ({ primary: 'offline/offline', fallbacks: [], contextTokens: 1, configured: false, providers: [{ provider: 'p', available: false, problem: 'no key' }] }),
        'models.test': (params) => ({ ok: params['model'] !== 'p/bad', results: [{ ref: String(params['model'] ?? 'p/m'), ok: params['model'] !== 'p/bad', latencyMs: 12, error: 'refused' }] }),
      },
    });
    expect((await home.run(['sessions', 'list'])).stdout).toMatch(/agent:main:main +done .*p\/m/);
    expect((await home.run(['models', 'list'])).stdout).toMatch(/p\/m +200\.0k +no key/);
    expect((await home.run(['models', 'status'])).stdout).toContain('No model is set up.');
    expect((await home.run(['models', 'test'])).stdout).toBe('p/m answered in 12 ms.\n');
    expect(await json(['models', 'test', 'p/bad'])).toMatchObject({ code: 1, document: { ok: false, error: { code: 'MODEL_FAILED', message: 'p/bad did not answer: refused' } } });
  });

  test('doctor: local checks without a gateway, the gateway\'s own with one, and exit 1 when something fails', async () => {
    await nobody();
    const down = await json(['doctor']);
    expect(down.code).toBe(1);
    expect(down.document['checks']).toEqual(expect.arrayContaining([expect.objectContaining({ id: 'node', status: 'ok' }), expect.objectContaining({ id: 'gateway', status: 'fail', hint: 'Start it with: openclaw gateway' })]));
    await stub({ methods: { 'doctor.checks': () => ({ ok: true, checks: [{ id: 'wal', title: 'Database', status: 'ok', detail: 'WAL' }, { id: 'key', title: 'Model', status: 'warn', detail: 'no key', remedy: 'set one' }] }) } });
    const up = await home.run(['doctor']);
    expect(up.code).toBe(0);
    expect(up.stdout).toContain('✓ Database: WAL');
    expect(up.stdout).toContain('! Model: no key\n  → set one');
  });

  test('doctor names open files, a broken config and the peer\'s directory', async () => {
    await nobody();
    mkdirSync(join(home.stateDir, 'agents'), { recursive: true, mode: 0o755 });
    writeFileSync(join(home.stateDir, 'openclaw.json'), '{gateway: {port: "x"}}', { mode: 0o644 });
    const checks = (await json(['doctor'])).document['checks'] as readonly { readonly id: string; readonly status: string; readonly message: string }[];
    const by = (id: string) => checks.find((check) => check.id === id);
    expect(by('state-dir')).toMatchObject({ status: 'fail', message: expect.stringContaining('belongs to another OpenClaw') as unknown });
    // What is not ours is not ours to change, so no chmod is advised, and nothing is written.
    expect(by('modes')).toMatchObject({ status: 'ok' });
    expect((await home.run(['config', 'set', 'gateway.port', '4000'])).stderr).toContain('STATE_DIR_OF_PEER');
    expect(readFileSync(join(home.stateDir, 'openclaw.json'), 'utf8')).toBe('{gateway: {port: "x"}}');
    // With a store it is ours.
    writeFileSync(join(home.stateDir, 'openclaw.db'), 'no database', { mode: 0o600 });
    const ours = (await json(['doctor'])).document['checks'] as typeof checks;
    const of = (id: string) => ours.find((check) => check.id === id);
    expect(of('modes')).toMatchObject({ status: 'warn' });
    expect(of('config')).toMatchObject({ status: 'fail', message: 'openclaw.json:1:18 gateway.port must be a number' });
    expect(of('store')).toMatchObject({ status: 'fail', message: expect.stringContaining('is no SQLite database') as unknown });
    rmSync(join(home.stateDir, 'openclaw.db'));
    mkdirSync(join(home.stateDir, 'temporal'));
    writeFileSync(join(home.stateDir, 'temporal', 'temporal.db'), '');
    rmSync(join(home.stateDir, 'agents'), { recursive: true });
    expect(((await json(['doctor'])).document['checks'] as typeof checks).find((check) => check.id === 'store')).toMatchObject({ status: 'fail', message: expect.stringContaining('is missing') as unknown });
  });

  test('what answers on the port but is no gateway is named, and nothing it says reaches the terminal', async () => {
    await nobody();
    const server = createServer((_request, response) => response.end('\u001b]0;owned\u0007\u001b[31mEVIL'.repeat(200)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = String((server.address() as AddressInfo).port);
    try {
      for (const command of ['status', 'health', 'doctor']) {
        const { stdout, stderr } = await home.run([command], { env: { OPENCLAW_GATEWAY_PORT: port } });
        expect(stdout + stderr).not.toContain('\u001b]');
        expect(stdout + stderr).not.toContain('EVIL');
      }
    } finally {
      server.close();
    }
  });
});

describe('config', () => {
  const file = () => join(home.stateDir, 'openclaw.json');

  test('get, set, unset and file work on the file', async () => {
    expect((await home.run(['config', 'file'])).stdout).toBe(`${file()}\n`);
    expect((await home.run(['config', 'get', 'gateway.port'])).stdout).toBe('18789\n');
    expect((await home.run(['config', 'set', 'gateway.port', '4000'])).code).toBe(0);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect((await json(['config', 'get', 'gateway.port'])).document).toEqual({ path: 'gateway.port', value: 4000 });
    writeFileSync(file(), `// mine\n${readFileSync(file(), 'utf8')}`);
    expect((await home.run(['config', 'set', 'agents.defaults.model', 'anthropic/claude-opus-4-6'])).code).toBe(0);
    expect((await home.run(['config', 'unset', 'gateway.port'])).code).toBe(0);
    expect(readFileSync(file(), 'utf8')).toMatch(/^\/\/ mine\n/);
    expect((await home.run(['config', 'get', 'gateway.port'])).stdout).toBe('18789\n');
  });

  test('a wrong value is refused with its place and nothing is written', async () => {
    const result = await json(['config', 'set', 'gateway.port', 'many']);
    expect(result).toMatchObject({ code: 1, document: { ok: false, error: { code: 'CONFIG_INVALID' } } });
    expect((await home.run(['config', 'get', 'no.such'])).stderr).toContain('CONFIG_NOT_FOUND');
  });

  test('an unknown key is set and warned of, also when nothing known is near', async () => {
    const near = await home.run(['config', 'set', 'tools.exec.mod', 'full']);
    expect(near.stderr).toContain('did you mean tools.exec.mode?');
    const far = await home.run(['config', 'set', 'budgets.hour.tokens', '5']);
    expect(far).toMatchObject({ code: 0 });
    expect(far.stderr).toContain('unknown key budgets.hour: it is ignored');
    expect((await home.run(['config', 'set', 'budgets.day.tokens', '5'])).stderr).toBe('');
  });

  test('validate warns of unknown keys on stderr and fails on errors', async () => {
    mkdirSync(home.stateDir);
    writeFileSync(file(), '{gatway: {}}');
    const warned = await home.run(['config', 'validate']);
    expect(warned.code).toBe(0);
    expect(warned.stderr).toBe('Warning: openclaw.json:1:2 unknown key gatway: did you mean gateway?\n');
    writeFileSync(file(), '{gateway: ');
    expect(await home.run(['config', 'validate'])).toMatchObject({ code: 1, stdout: '' });
    // A broken file does not hide where it is.
    expect((await home.run(['config', 'file'])).stdout).toBe(`${file()}\n`);
  });

  test('secrets are hidden', async () => {
    await home.run(['config', 'set', 'gateway.auth.token', 'geheim-1']);
    for (const args of [['config', 'get'], ['config', 'get', 'gateway.auth.token'], ['config', 'file', '--show'], ['config', 'get', '--json']]) {
      const { stdout } = await home.run(args);
      expect(stdout).not.toContain('geheim-1');
      expect(stdout).toContain('__OPENCLAW_REDACTED__');
    }
  });

  test('schema is a JSON schema of the file', async () => {
    expect((await json(['config', 'schema'])).document).toMatchObject({ title: 'openclaw.json', type: 'object', properties: { gateway: { type: 'object' } } });
  });
});

describe('profiles and usage', () => {
  test('--dev and --profile choose the installation, before or behind the command', async () => {
    expect((await home.run(['--dev', 'config', 'get', 'gateway.port'])).stdout).toBe('19001\n');
    expect((await home.run(['--profile', 'work', 'config', 'file'])).stdout).toBe(`${home.home}/.openclaw-work/openclaw.json\n`);
    expect((await home.run(['config', 'file', '--profile', '../x'])).stderr).toContain('INVALID_PROFILE');
  });

  test('bad usage is exit 2, also as a document', async () => {
    expect((await home.run(['nope'])).code).toBe(2);
    expect((await home.run(['runs', 'show'])).code).toBe(2);
    expect((await home.run(['runs', 'list', '--state', 'strange'])).code).toBe(2);
    expect(await json(['runs', 'list', '--nope'])).toMatchObject({ code: 2, document: { ok: false, error: { type: 'usage_error', code: 'USAGE' } } });
  });

  test('an empty name is used wrongly, whatever it names, and the hint says where the names are', async () => {
    await stub({});
    for (const [args, hint] of [
      [['runs', 'show', ''], 'openclaw runs list'], [['runs', 'wait', ' '], 'openclaw runs list'], [['runs', 'abort', ''], 'openclaw runs list'],
      [['sessions', 'recover', ''], 'openclaw sessions list'], [['approvals', 'approve', ''], 'openclaw approvals list'], [['approvals', 'deny', ''], 'openclaw approvals list'],
      [['approvals', 'revoke', ''], 'openclaw approvals grants'], [['budgets', 'answer', '', 'once'], 'openclaw budgets list'], [['notices', 'dismiss', ''], 'openclaw notices list'],
      [['agent', '-m', 'hi', '--run-id', ''], 'Leave it out'], [['agent', '-m', 'hi', '--session', ''], 'openclaw sessions list'],
    ] as const) {
      const { code, document } = await json(args);
      expect({ args, code, document }).toMatchObject({ code: 2, document: { error: { type: 'usage_error', code: 'USAGE', message: expect.stringContaining('is empty') as unknown, hint: expect.stringContaining(hint) as unknown } } });
    }
  });

  test('help lists every topic and command', async () => {
    const { stdout, code } = await home.run(['--help']);
    expect(code).toBe(0);
    for (const word of ['agent', 'config', 'doctor', 'gateway', 'health', 'models', 'runs', 'sessions', 'status', 'worker']) expect(stdout).toContain(`\n  ${word} `);
    expect((await home.run(['agent', '-h'])).stdout).toContain('--message');
  });
});

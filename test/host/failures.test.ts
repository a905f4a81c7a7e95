/**
 * Every way in which a start can fail: one line that says what to do, an exit code, nothing left running, and nothing
 * written where it may not be.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, type Installation, install } from '../servers/installation.js';

/** Runs through all tests: the other gateway, the other installation. */
let running: Installation;
const houses: Installation[] = [];
const closers: (() => unknown)[] = [];

/** Each takes its ten seconds of patience: begun first, so that the other tests pass meanwhile. */
let unreachable: { readonly nobody: number; readonly silent: number; readonly results: Promise<readonly Refusal[]>; readonly end: () => Promise<void> };

beforeAll(async () => {
  running = await install();
  await running.start();
  const nobody = await listener();
  await Promise.all(closers.splice(0).map((close) => close()));
  const silent = await listener();
  const open = closers.splice(0);
  const from = await Promise.all([install(), install(), install()]);
  const results = Promise.all([
    refused(from[0], { TEMPORAL_ADDRESS: `127.0.0.1:${nobody}` }),
    refused(from[1], { TEMPORAL_ADDRESS: `127.0.0.1:${nobody}` }, 'worker'),
    refused(from[2], { TEMPORAL_ADDRESS: `127.0.0.1:${silent}` }),
  ]);
  // Looked at by its test.
  results.catch(() => undefined);
  unreachable = {
    nobody, silent, results,
    async end() {
      await results.catch(() => undefined);
      for (const close of open) await close();
      for (const each of from) await each.remove();
    },
  };
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  for (const house of houses.splice(0)) await house.remove();
});
afterAll(async () => {
  await unreachable?.end();
  await running?.remove();
});

async function house(options?: Parameters<typeof install>[0]): Promise<Installation> {
  const made = await install(options);
  houses.push(made);
  return made;
}

type Refusal = Ended & { readonly failure: string; readonly advice: string };

/** `Error: what happened (CODE) → what to do`, and no process of this installation is left. */
async function refused(from: Installation, env: Readonly<Record<string, string>> = {}, command = 'gateway'): Promise<Refusal> {
  const result = await from.run([command], env);
  expect(result.code, result.stderr + result.stdout).toBe(1);
  expect(result.stdout).toBe('');
  const [, failure, advice] = /^Error: (.+ \([A-Z_]+\)) → ([^\n]+)\n$/.exec(result.stderr) ?? [];
  expect(failure, result.stderr).toBeDefined();
  expect(processesOf(from)).toEqual([]);
  return { ...result, failure: failure!, advice: advice! };
}

/** Processes whose command line or environment names the installation's folder; the tested gateway may not be one. */
function processesOf({ home }: Installation): string[] {
  if (home === running.home || !existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(home));
    } catch {
      return false;
    }
  });
}

/** Takes connections and never says a word. */
function listener(): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

/** Every path with its size, mode, time and content. */
function fingerprint(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort().map((name) => {
    const path = join(folder, name);
    const stat = statSync(path);
    return `${name} ${stat.mode.toString(8)} ${stat.mtimeMs} ${stat.isDirectory() ? '' : createHash('sha256').update(readFileSync(path)).digest('hex')}`;
  });
}

describe('the port and the config', () => {
  test('a busy port is named, with how to choose another', async () => {
    const port = await listener();
    const { failure, advice } = await refused(await house(), { OPENCLAW_GATEWAY_PORT: String(port) });
    expect(failure).toBe(`Port ${port} on 127.0.0.1 is taken by another program. (PORT_BUSY)`);
    expect(advice).toContain('OPENCLAW_GATEWAY_PORT');
  });

  test('a config that is no JSON5: line and column', async () => {
    const broken = await house();
    writeFileSync(join(broken.stateDir, 'openclaw.json'), '{\n  gateway: {\n    port 18789\n  }\n}\n');
    const { failure } = await refused(broken);
    expect(failure).toMatch(/openclaw\.json:3:\d+ .*\(CONFIG_SYNTAX\)/);
    // Refused before anything was made.
    expect(existsSync(join(broken.stateDir, 'openclaw.db'))).toBe(false);
  });

  test('wrong values: each with line, column and path, in one line', async () => {
    const wrong = await house();
    writeFileSync(join(wrong.stateDir, 'openclaw.json'), '{\n  agents: { defaults: { maxSteps: "many" } },\n  tools: { exec: { mode: "sometimes" } },\n}\n');
    const { failure, advice } = await refused(wrong);
    expect(failure).toMatch(/openclaw\.json:2:\d+ agents\.defaults\.maxSteps .+; openclaw\.json:3:\d+ tools\.exec\.mode .+\(CONFIG_INVALID\)/);
    expect(advice).toContain('openclaw config schema');
  });

  test('a bind address beyond loopback', async () => {
    const { failure, advice } = await refused(await house({ config: { gateway: { bind: '0.0.0.0' } } }));
    expect(failure).toMatch(/0\.0\.0\.0|bind/);
    expect(advice).toMatch(/loopback|schema/);
  });
});

describe('the state directory', () => {
  test('a path under a file', async () => {
    const from = await house();
    const file = join(from.home, 'a-file');
    writeFileSync(file, 'mine');
    const { failure, advice } = await refused(from, { OPENCLAW_STATE_DIR: join(file, 'state') });
    expect(failure).toMatch(/a-file is not a directory \(STATE_DIR_NOT_A_DIRECTORY\)/);
    expect(advice).toContain('OPENCLAW_STATE_DIR');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('a directory in which nobody can make anything', async () => {
    const { failure, advice } = await refused(await house(), { OPENCLAW_STATE_DIR: '/proc/openclaw/state' });
    expect(failure).toMatch(/\/proc\/openclaw\/state cannot be (used|written to).*\(STATE_DIR_UNWRITABLE\)/);
    expect(advice).toContain('OPENCLAW_STATE_DIR');
  });

  test('the peer’s directory stays as it is, byte for byte', async () => {
    const from = await house();
    const theirs = join(from.home, '.openclaw');
    mkdirSync(join(theirs, 'agents', 'main', 'sessions'), { recursive: true });
    writeFileSync(join(theirs, 'openclaw.json'), '{ gateway: { port: 18789 } }');
    writeFileSync(join(theirs, 'agents', 'main', 'sessions', 'sessions.json'), '{}');
    const before = fingerprint(theirs);
    const { failure, advice } = await refused(from, { OPENCLAW_STATE_DIR: theirs });
    expect(failure).toContain('(STATE_DIR_OF_PEER)');
    expect(advice).toContain(`openclaw import --from ${theirs}`);
    expect(advice).toContain('OPENCLAW_STATE_DIR');
    expect(fingerprint(theirs)).toEqual(before);
  });

  test('another gateway on this one, which goes on', async () => {
    const { failure, advice } = await refused(running, { OPENCLAW_GATEWAY_PORT: '1' });
    expect(failure).toContain('(GATEWAY_RUNNING)');
    expect(advice).toContain('openclaw status');
    expect(await running.ready()).toBe(true);
  });

  test('a store that is none is told and kept', async () => {
    const from = await house();
    const db = join(from.stateDir, 'openclaw.db');
    writeFileSync(db, 'this was a database once, and nobody may replace it\n'.repeat(200));
    const before = readFileSync(db, 'utf8');
    const { failure, advice } = await refused(from);
    expect(failure).toContain(`${db}`);
    expect(failure).toContain('(STORE_UNREADABLE)');
    expect(advice).toContain('restore a backup');
    expect(readFileSync(db, 'utf8')).toBe(before);
  });

  test('a workspace that cannot be', async () => {
    const from = await house();
    writeFileSync(join(from.home, 'notes'), '');
    const { failure, advice } = await refused(from, { OPENCLAW_WORKSPACE_DIR: join(from.home, 'notes') });
    expect(failure).toMatch(/workspace .*notes cannot be used.*\(WORKSPACE_UNUSABLE\)/);
    expect(advice).toContain('agents.defaults.workspace');
  });
});

describe('the engine', () => {
  test('a temporal that does not exist', async () => {
    const { failure, advice } = await refused(await house(), { OPENCLAW_TEMPORAL_CLI: '/nowhere/temporal' });
    expect(failure).toBe('OPENCLAW_TEMPORAL_CLI names /nowhere/temporal, which does not exist. (ENGINE_CLI_MISSING)');
    expect(advice).toContain('unset it');
  });

  test('a program that is not temporal', async () => {
    const { failure, advice } = await refused(await house(), { OPENCLAW_TEMPORAL_CLI: '/bin/cat' });
    expect(failure).toMatch(/\/bin\/cat is not the temporal CLI.*\(ENGINE_CLI_MISSING\)/);
    expect(advice).toContain('OPENCLAW_TEMPORAL_CLI');
  });

  test('an address at which nobody answers, or somebody who says nothing: refused by itself', async () => {
    const { nobody, silent, results } = unreachable;
    for (const [i, { failure, advice }] of (await results).entries()) {
      expect(failure).toMatch(new RegExp(`Temporal does not answer at 127\\.0\\.0\\.1:${i < 2 ? nobody : silent}: .*\\(ENGINE_UNREACHABLE\\)`));
      expect(advice).toContain('TEMPORAL_ADDRESS');
    }
  });

  test('a namespace of another installation, of a gateway and of a worker', async () => {
    const { ports } = running.engine();
    for (const command of ['gateway', 'worker']) {
      const { failure, advice } = await refused(await house(), { TEMPORAL_ADDRESS: `127.0.0.1:${ports.grpc}` }, command);
      expect(failure).toMatch(/namespace "openclaw" belongs to another OpenClaw installation .*\(NAMESPACE_OWNED\)/);
      expect(advice).toContain('openclaw config set temporal.namespace');
    }
    expect(await running.ready()).toBe(true);
  });

  test('engine data of a lost openclaw.db are named as what they are', async () => {
    const lost = await house();
    await lost.start();
    await lost.stop();
    for (const name of readdirSync(lost.stateDir)) if (name.startsWith('openclaw.db')) rmSync(join(lost.stateDir, name));
    const result = await lost.run(['gateway']);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^Error: .+temporal holds the histories of another openclaw\.db.+ \(STORE_NOT_THE_ENGINES\) → Restore [^\n]+\n$/);
  });
});

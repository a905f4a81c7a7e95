/** A first start, a second one, and how they end: what is written, who can read it, what lives on. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Installation, install, until } from '../servers/installation.js';
import { isSameProcess } from '../../src/storage/process.js';

let house: Installation;
let firstBanner = '';

const running = (): boolean => {
  const { pid, startTime } = house.engine();
  return isSameProcess(pid, startTime);
};
const printed = (): string => house.output.join('');

beforeAll(async () => {
  house = await install({ fresh: true });
  await house.start();
  await until('the banner', () => printed().includes('Ask something'));
  firstBanner = printed();
});
afterAll(() => house?.remove());

describe('a fresh state directory', () => {
  test('everything in it is for its owner only', async () => {
    // A run, so that its database and jobs are there too.
    const client = await house.client();
    await client.request('chat.send', { sessionKey: 'main', message: 'run: echo hi', idempotencyKey: 'first' });
    expect(await client.request('agent.wait', { runId: 'first', timeoutMs: 30_000 }, { timeoutMs: 40_000 })).toMatchObject({ status: 'ok' });
    expect((await house.run(['config', 'set', 'agents.defaults.maxSteps', '90'])).code).toBe(0);

    const entries = readdirSync(house.stateDir, { recursive: true, encoding: 'utf8' }).filter((name) => !name.startsWith('workspace'));
    expect(entries).toEqual(expect.arrayContaining(['openclaw.db', 'openclaw.json', 'gateway-token', 'gateway.lock', 'run.sock', 'media', 'logs/openclaw.log', 'logs/temporal.log', 'temporal/temporal.db', 'temporal/server.json', 'temporal/server.pid']));
    expect(entries.filter((name) => /^jobs\/.+\//.test(name)).length).toBeGreaterThan(2);
    const modes = ['', ...entries].map((name) => [name, statSync(join(house.stateDir, name))] as const);
    expect(modes.filter(([, stat]) => (stat.mode & 0o777) !== (stat.isDirectory() ? 0o700 : 0o600)).map(([name, stat]) => `${name} ${(stat.mode & 0o777).toString(8)}`)).toEqual([]);
  });

  test('the workspace has its starter files', () => {
    expect(readdirSync(house.workspace).sort()).toEqual(expect.arrayContaining(['AGENTS.md', 'SOUL.md', 'USER.md']));
  });

  test('the banner says where everything is and which model answers, and no token', () => {
    expect(firstBanner).toContain(`http://127.0.0.1:${house.port}`);
    expect(firstBanner).toMatch(/model +offline\/offline \(no language model: set ANTHROPIC_API_KEY/);
    expect(firstBanner).toMatch(/Temporal +127\.0\.0\.1:\d+ \(embedded\)/);
    expect(firstBanner).toMatch(/Web UI +http:\/\/127\.0\.0\.1:\d+\/temporal/);
    expect(firstBanner).toContain(house.stateDir);
    expect(firstBanner).toContain(join(house.stateDir, 'workspace'));
    expect(printed()).not.toContain(readFileSync(join(house.stateDir, 'gateway-token'), 'utf8').trim());
  });
});

describe('ending and starting again', () => {
  test('SIGTERM: exit 0 at once, and the engine lives on', async () => {
    const before = Date.now();
    expect(await house.stop()).toBe(0);
    expect(Date.now() - before).toBeLessThan(10_000);
    expect(running()).toBe(true);
    expect(existsSync(join(house.stateDir, 'run.sock'))).toBe(false);
  });

  test('the second start takes over the engine and writes nothing anew', async () => {
    const { pid } = house.engine();
    const soul = join(house.workspace, 'SOUL.md');
    writeFileSync(soul, 'mine');
    const token = readFileSync(join(house.stateDir, 'gateway-token'), 'utf8');
    const old = oldJob('old', 40);
    const recent = oldJob('recent', 3);
    house.output.length = 0;
    await house.start();
    await until('the banner', () => printed().includes('Ask something'));
    expect(printed()).toContain('(embedded, already running)');
    expect(house.engine().pid).toBe(pid);
    expect(readFileSync(soul, 'utf8')).toBe('mine');
    expect(readFileSync(join(house.stateDir, 'gateway-token'), 'utf8')).toBe(token);
    // Old jobs go, in the background.
    await until('the old job is gone', () => !existsSync(old));
    expect(existsSync(recent)).toBe(true);
    rmSync(recent, { recursive: true });
  });

  test('Ctrl-C reaches the gateway’s whole process group, but not the engine', async () => {
    const { pid } = house.engine();
    const gateway = house.pid()!;
    process.kill(-gateway, 'SIGINT');
    expect(await house.ended()).toBe(0);
    expect(printed()).toContain('SIGINT: stopping');
    expect(running()).toBe(true);
    expect(house.engine().pid).toBe(pid);
    const { stdout } = await promisify(execFile)('ps', ['-o', 'pgid=', '-p', String(pid)]);
    expect(Number(stdout)).not.toBe(gateway);
  });

  test('SIGTERM while the engine is still starting ends it too, and the next start is whole', async () => {
    house.killEngine();
    house.launch();
    await until('it listens', () => fetch(`http://127.0.0.1:${house.port}/healthz`).then(() => true, () => false));
    expect(await house.stop()).toBe(0);
    await house.start();
    expect(running()).toBe(true);
  });
});

function oldJob(name: string, days: number): string {
  const folder = join(house.stateDir, 'jobs', name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const endedAt = Date.now() - days * 24 * 3_600_000;
  writeFileSync(join(folder, 'exit.json'), JSON.stringify({ code: 0, endedAt }), { mode: 0o600 });
  utimesSync(folder, endedAt / 1_000, endedAt / 1_000);
  return folder;
}

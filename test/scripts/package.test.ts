/**
 * The tarball of `npm run package`, installed by npm into an empty prefix, answers a message; the command itself works
 * from wherever it is reached.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePortNear } from '../../src/host/engine/ports.js';
import { stopRecordedEngine } from '../../src/host/engine/index.js';
import { startRegistry } from './registry.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
const withThisNode = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'openclaw-package-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the command', () => {
  const versionOf = (path: string) => execFileSync(process.execPath, [path, '--version'], { encoding: 'utf8' });

  test('tells its version, also through a link', () => {
    const link = join(folder, 'openclaw');
    symlinkSync(join(root, 'bin', 'openclaw.mjs'), link);
    expect(versionOf(join(root, 'bin', 'openclaw.mjs'))).toBe(`openclaw-temporal ${version}\n`);
    expect(versionOf(link)).toBe(`openclaw-temporal ${version}\n`);
  });

  test('tells its version without loading another file', () => {
    // How long that takes is the bench's: npm run bench.
    const log = join(folder, 'loaded');
    const hook = `import {registerHooks} from 'node:module'; import {appendFileSync} from 'node:fs'; registerHooks({load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context); }});`;
    const { NODE_OPTIONS: _, ...env } = process.env;
    const out = execFileSync(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, join(root, 'bin', 'openclaw.mjs'), '--version'], { env, encoding: 'utf8' });
    expect(out).toContain(version);
    expect(readFileSync(log, 'utf8').trim().split('\n').filter((url) => !url.startsWith('node:'))).toEqual([pathToFileURL(realpathSync(join(root, 'bin', 'openclaw.mjs'))).href]);
  });

  test('in a clone that was never built says what to do', () => {
    const clone = join(folder, 'clone');
    mkdirSync(clone);
    for (const name of ['bin', 'package.json']) cpSync(join(root, name), join(clone, name), { recursive: true });
    const status = spawnForError([join(clone, 'bin', 'openclaw.mjs'), 'status']);
    expect(status).toEqual({ code: 1, err: 'openclaw is not built yet → run npm start once in its folder\n' });
  });
});

describe('the tarball', () => {
  const prefix = join(folder, 'prefix');
  const openclaw = join(prefix, 'bin', 'openclaw');
  const stateDir = join(folder, 'state');
  let tarball: string;
  let gateway: ChildProcess | undefined;

  beforeAll(async () => {
    const { stdout } = await run(process.execPath, [join(root, 'scripts', 'package.mjs'), '--into', folder], { env: withThisNode });
    tarball = stdout.trim();
    const registry = await startRegistry(root);
    const args = ['install', '--global', '--prefix', prefix, '--registry', registry.url, '--cache', join(folder, 'cache'), '--ignore-scripts', '--no-audit', '--no-fund', tarball];
    await run('npm', args, { env: withThisNode, cwd: folder }).finally(() => registry.close());
  }, 300_000);

  afterAll(async () => {
    gateway?.kill('SIGTERM');
    if (gateway !== undefined) await Promise.race([new Promise((done) => gateway?.once('exit', done)), sleep(15_000)]);
    gateway?.kill('SIGKILL');
    await stopRecordedEngine(stateDir);
  });

  test('holds the command, compiled files and the workflow bundle, and nothing of test/ or src/', async () => {
    const names = (await run('tar', ['-tzf', tarball])).stdout.split('\n').map((name) => name.replace(/^package\//, ''));
    expect(names).toEqual(expect.arrayContaining(['bin/openclaw.mjs', 'dist/cli/main.js', 'dist/workflow-bundle.js', 'scripts/bring/temporal.mjs', 'LICENSE']));
    expect(names.filter((name) => /^(test|src|bench|\.)|\.ts$/.test(name))).toEqual([]);
  });

  test('installed into an empty prefix answers `openclaw agent -m` with its own state directory and port', async () => {
    const port = await freePortNear(21_000 + Math.floor(Math.random() * 10_000));
    const env = { ...withThisNode, OPENCLAW_STATE_DIR: stateDir, OPENCLAW_GATEWAY_PORT: String(port) };
    const log: string[] = [];
    gateway = spawn(openclaw, ['gateway'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [gateway.stdout, gateway.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => log.push(text));
    await untilReady(port, gateway, log);
    const { stdout } = await run(openclaw, ['agent', '-m', 'chain: 2 echo packed', '--json'], { env, cwd: folder });
    expect(stdout).toContain('packed');
    expect(JSON.parse(stdout)).toBeTypeOf('object');
  });
});

async function untilReady(port: number, gateway: ChildProcess, log: readonly string[]): Promise<void> {
  const giveUp = Date.now() + 60_000;
  while (Date.now() < giveUp) {
    if (gateway.exitCode !== null) break;
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then((answer) => answer.status === 200, () => false);
    if (ready) return;
    await sleep(200);
  }
  throw new Error(`the gateway did not become ready:\n${log.join('')}`);
}

function spawnForError(args: readonly string[]): { readonly code: unknown; readonly err: string } {
  try {
    execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    return { code: 0, err: '' };
  } catch (error) {
    const { status, stderr } = error as { readonly status: number; readonly stderr: string };
    return { code: status, err: stderr };
  }
}

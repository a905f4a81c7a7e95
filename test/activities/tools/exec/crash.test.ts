/** What survives when processes are killed: a command is begun once, and its end is known or said to be unknown. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createExecTool } from '../../../../src/activities/tools/exec/exec.js';
import { followJob } from '../../../../src/activities/tools/exec/follow.js';
import { jobFolder, type JobCommand, type JobOwner } from '../../../../src/activities/tools/exec/job-files.js';
import { ensureJob, forgetJobs, jobState, killJob, pruneJobs } from '../../../../src/activities/tools/exec/jobs.js';
import { endLater, makeContext, makeHost, processLives, textOf, until, type TestHost } from '../helpers/env.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SUPERVISOR = at('../../../../src/activities/tools/exec/supervisor.ts');
const KEY = 'aa:1.0';

function startWorker(host: TestHost, command: string): ChildProcess {
  const child = spawn(process.execPath, ['--experimental-transform-types', '--no-warnings', '--import', at('../helpers/typescript.mjs'), at('../helpers/run-exec.ts'), host.root, KEY, command], { stdio: 'ignore', detached: true });
  endLater(child.pid ?? 0);
  return child;
}

const ownerOf = (host: TestHost): JobOwner => JSON.parse(readFileSync(join(jobFolder(host.jobsDir, KEY), 'owner.json'), 'utf8')) as JobOwner;
const outputOf = (host: TestHost): string => {
  try {
    return readFileSync(join(jobFolder(host.jobsDir, KEY), 'output'), 'utf8');
  } catch {
    return '';
  }
};
const specOf = (host: TestHost, command: string, more: object = {}) => ({
  session: 's', command, asked: 'hash', argv: ['/bin/sh', '-c', command], cwd: host.workspace, env: {}, timeoutMs: 0, background: false, maxBytes: 1_000_000, ...more,
});
const options = () => ({ env: process.env, signal: AbortSignal.timeout(30_000) });

describe('a killed worker', () => {
  it('leaves its command running; the next attempt has each line once and the exit code', async () => {
    const host = makeHost();
    const command = 'echo x >> count; for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.2; done; exit 5';
    const worker = startWorker(host, command);
    await until(() => outputOf(host).includes('line 2'), 'two lines');
    // With its whole process group, as a terminal or a service manager may do it.
    process.kill(-(worker.pid ?? 0), 'SIGKILL');
    const context = makeContext(KEY);
    const result = await createExecTool(host).run({ command }, context);
    const lines = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `line ${i}`).join('\n');
    expect(textOf(result)).toBe(`${lines}\n[exit code 5]`);
    expect(context.deltas.join('')).toBe(`${lines}\n`);
    expect(readFileSync(join(host.workspace, 'count'), 'utf8')).toBe('x\n');
  });

  it('is no matter to a command that ended meanwhile: its result is read, nothing is run', async () => {
    const host = makeHost();
    const worker = startWorker(host, 'echo x >> count; echo hi');
    await until(() => outputOf(host).includes('hi'), 'the line');
    worker.kill('SIGKILL');
    await until(() => jobState(host.jobsDir, KEY).state === 'done', 'the end');
    expect(textOf(await createExecTool(host).run({ command: 'echo x >> count; echo hi' }, makeContext(KEY)))).toBe('hi');
    expect(readFileSync(join(host.workspace, 'count'), 'utf8')).toBe('x\n');
  });

  it('takes a hang-up with it, not the command', async () => {
    const host = makeHost();
    await ensureJob(host.jobsDir, KEY, specOf(host, 'sleep 0.5; echo survived'), options());
    process.kill(ownerOf(host).pid, 'SIGHUP');
    await followJob(host.jobsDir, KEY, { emit: () => undefined, signal: AbortSignal.timeout(10_000) });
    expect(outputOf(host)).toBe('survived\n');
  });
});

describe('a killed supervisor', () => {
  it('makes the outcome unknown, said with what is known; the command is not begun again', async () => {
    const host = makeHost();
    const command = 'echo x >> count; echo begun; sleep 30; echo never';
    const context = makeContext(KEY);
    const running = createExecTool(host).run({ command }, context);
    await until(() => context.deltas.join('').includes('begun'), 'the first line');
    const { pid: left } = JSON.parse(readFileSync(join(jobFolder(host.jobsDir, KEY), 'command.json'), 'utf8')) as JobCommand;
    process.kill(ownerOf(host).pid, 'SIGKILL');
    const result = await running;
    expect(result).toMatchObject({ outcome: 'unknown', isError: true });
    expect(textOf(result)).toMatch(/outcome is unknown\. The command was begun at 20.* supervisor died.*Check what it did before repeating it\. Output so far:\nbegun$/s);
    expect(textOf(result)).toContain(`as process ${left}`);
    const again = await createExecTool(host).run({ command }, makeContext(KEY));
    expect(again.outcome).toBe('unknown');
    expect(readFileSync(join(host.workspace, 'count'), 'utf8')).toBe('x\n');
    // What is left of it can still be ended.
    await killJob(host.jobsDir, KEY);
    await until(() => !processLives(left), 'the rest to end');
  });

  it('is not confused with another process that got its number', async () => {
    const host = makeHost();
    const folder = jobFolder(host.jobsDir, KEY);
    mkdirSync(folder);
    const owner: JobOwner = { pid: process.pid, startTime: '1', bootId: ownBoot(), key: KEY, session: 's', command: 'x', cwd: '/', background: false, startedAt: 1 };
    writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner));
    expect((await ensureJob(host.jobsDir, KEY, specOf(host, 'echo x >> count'), options())).state).toBe('unknown');
    await killJob(host.jobsDir, KEY); // would end this very process
    expect(existsSync(join(host.workspace, 'count'))).toBe(false);
  });
});

function ownBoot(): string {
  return process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : 'unknown';
}

describe('the start', () => {
  it('of two attempts at once begins one command, and both follow it', async () => {
    const host = makeHost();
    const spec = specOf(host, 'echo x >> count; sleep 0.3; echo done');
    const starts = Array.from({ length: 4 }, () => ensureJob(host.jobsDir, KEY, spec, options()));
    const states = await Promise.all(starts);
    expect(new Set(states.map((one) => (one.state === 'running' ? one.owner.pid : one.state))).size).toBe(1);
    const ends = await Promise.all(states.map(() => followJob(host.jobsDir, KEY, { emit: () => undefined, signal: AbortSignal.timeout(10_000) })));
    expect(ends.every((end) => end.state === 'done' && end.exit.code === 0)).toBe(true);
    expect(readFileSync(join(host.workspace, 'count'), 'utf8')).toBe('x\n');
    // The losers leave nothing behind.
    await until(() => readdirSync(host.jobsDir).length === 1, 'only the job');
  });

  it('with a specification cut short leaves no folder', async () => {
    const host = makeHost();
    const whole = `${JSON.stringify({ ...specOf(host, 'echo x >> count'), jobsDir: host.jobsDir, name: 'aa-1.0', key: KEY })}\n`;
    for (const part of ['', whole.slice(0, 50), whole.slice(0, -1)]) {
      const child = spawn(process.execPath, [SUPERVISOR], { stdio: ['pipe', 'ignore', 'ignore'] });
      child.stdin.end(part);
      await new Promise((resolve) => child.on('exit', resolve));
    }
    expect(readdirSync(host.jobsDir)).toEqual([]);
    expect(existsSync(join(host.workspace, 'count'))).toBe(false);
  });

  it('retried while the first supervisor is still starting begins one command', async () => {
    const host = makeHost();
    const whole = `${JSON.stringify({ ...specOf(host, 'echo x >> count'), jobsDir: host.jobsDir, name: 'aa-1.0', key: KEY })}\n`;
    // The first attempt's supervisor, frozen before it has read anything; its worker is gone.
    const slow = spawn(process.execPath, [SUPERVISOR], { stdio: ['pipe', 'ignore', 'ignore'] });
    slow.stdin.end(whole);
    process.kill(slow.pid ?? 0, 'SIGSTOP');
    const result = await createExecTool(host).run({ command: 'echo x >> count' }, makeContext(KEY));
    expect(result.outcome).toBe('ok');
    process.kill(slow.pid ?? 0, 'SIGCONT');
    await new Promise((resolve) => slow.on('exit', resolve));
    expect(readFileSync(join(host.workspace, 'count'), 'utf8')).toBe('x\n');
  });

  it('that comes after a cancellation finds itself too late', async () => {
    const host = makeHost();
    expect((await killJob(host.jobsDir, KEY)).state).toBe('done');
    const state = await ensureJob(host.jobsDir, KEY, specOf(host, 'echo x >> count'), options());
    expect(state).toMatchObject({ state: 'done', exit: { cancelled: true } });
    expect(existsSync(join(host.workspace, 'count'))).toBe(false);
  });

  it('finding a folder without owner waits a moment, then says unknown and begins nothing', async () => {
    const host = makeHost();
    mkdirSync(jobFolder(host.jobsDir, KEY));
    const result = await createExecTool(host).run({ command: 'echo x >> count' }, makeContext(KEY));
    expect(result.outcome).toBe('unknown');
    expect(existsSync(join(host.workspace, 'count'))).toBe(false);
  });
});

describe('a job', () => {
  it('ended from outside without a cancellation says by which signal, not that the user stopped it', async () => {
    const host = makeHost();
    const context = makeContext(KEY);
    const running = createExecTool(host).run({ command: 'echo begun; sleep 30' }, context);
    await until(() => context.deltas.length > 0, 'the first line');
    process.kill(ownerOf(host).pid, 'SIGTERM'); // as a shutdown does
    const result = await running;
    expect(result.outcome).toBe('error');
    expect(textOf(result)).toContain('ended by SIGTERM from outside');
  });

  it('keeps output up to its cap and the end of what went past it', async () => {
    const host = makeHost();
    const spec = specOf(host, 'head -c 300000 /dev/zero | tr "\\0" a; echo LAST', { maxBytes: 100_000 });
    await ensureJob(host.jobsDir, KEY, spec, options());
    const end = await followJob(host.jobsDir, KEY, { emit: () => undefined, signal: AbortSignal.timeout(10_000) });
    expect(end).toMatchObject({ state: 'done', exit: { code: 0, bytes: 300_005 } });
    const output = outputOf(host);
    expect(output.length).toBeLessThan(170_000);
    expect(output).toMatch(/a\n\[134469 bytes of output were not kept\]\na+LAST\n$/);
  });

  it('whose program is missing ends with a reason', async () => {
    const host = makeHost();
    await ensureJob(host.jobsDir, KEY, specOf(host, '', { argv: [join(host.root, 'no-such-program')] }), options());
    const end = await followJob(host.jobsDir, KEY, { emit: () => undefined, signal: AbortSignal.timeout(10_000) });
    expect(end).toMatchObject({ state: 'done', exit: { code: 127, error: expect.stringContaining('ENOENT') as string } });
  });

  it('is removed only when it ended long ago', async () => {
    const host = makeHost();
    await createExecTool(host).run({ command: 'true' }, makeContext('aa:1.0'));
    await ensureJob(host.jobsDir, 'aa:2.0', specOf(host, 'sleep 30'), options());
    expect(await pruneJobs(host.jobsDir, Date.now() - 60_000)).toBe(0);
    expect(await pruneJobs(host.jobsDir, Date.now() + 1)).toBe(1);
    expect(jobState(host.jobsDir, 'aa:1.0').state).toBe('absent');
    expect(jobState(host.jobsDir, 'aa:2.0').state).toBe('running');
    await killJob(host.jobsDir, 'aa:2.0');
    rmSync(host.jobsDir, { recursive: true });
  });

  it('of a session that is deleted goes at once, unless it runs', async () => {
    const host = makeHost();
    await createExecTool(host).run({ command: 'true' }, makeContext('aa:1.0'));
    await createExecTool(host).run({ command: 'true' }, makeContext('bb:1.0'));
    await ensureJob(host.jobsDir, 'aa:2.0', specOf(host, 'sleep 30'), options());
    await forgetJobs(host.jobsDir, ['aa:1.0', 'aa:2.0', 'aa:9.9']);
    expect(['aa:1.0', 'bb:1.0', 'aa:2.0'].map((key) => jobState(host.jobsDir, key).state)).toEqual(['absent', 'done', 'running']);
    await killJob(host.jobsDir, 'aa:2.0');
    rmSync(host.jobsDir, { recursive: true });
  });

  it('has a name that is a file name; anything else is refused', () => {
    expect(jobFolder('/j', 'ab12:3.4')).toBe('/j/ab12-3.4');
    for (const key of ['../x', 'a/b', '', '.hidden', 'a\0b', 'x'.repeat(200)]) expect(() => jobFolder('/j', key), key).toThrow('Not a job');
  });
});

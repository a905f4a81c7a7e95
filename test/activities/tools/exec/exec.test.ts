/** The `exec` tool's promises to the model, against real processes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createExecTool } from '../../../../src/activities/tools/exec/exec.js';
import { jobFolder } from '../../../../src/activities/tools/exec/job-files.js';
import { createReadTool } from '../../../../src/activities/tools/read.js';
import { makeContext, makeHost, processLives, textOf, until } from '../helpers/env.js';

describe('exec', () => {
  it('gives output, both streams in order, and the facts', async () => {
    const host = makeHost();
    const context = makeContext('aa:1.0');
    const result = await createExecTool(host).run({ command: 'echo one; echo two >&2; echo three > /dev/stderr; printf "four\\n"' }, context);
    expect(textOf(result)).toBe('one\ntwo\nthree\nfour');
    expect(result).toMatchObject({ isError: false, outcome: 'ok', details: { exitCode: 0, signal: null, timedOut: false, job: 'aa:1.0', bytes: 19 } });
    expect(context.deltas.join('')).toBe('one\ntwo\nthree\nfour\n');
  });

  it('says the exit code of a failure, and that there was no output', async () => {
    const result = await createExecTool(makeHost()).run({ command: 'exit 3' }, makeContext('aa:1.0'));
    expect(result).toMatchObject({ isError: true, outcome: 'error', details: { exitCode: 3 } });
    expect(textOf(result)).toBe('(no output)\n[exit code 3]');
  });

  it('has an empty standard input, so that nothing waits for a person', async () => {
    const result = await createExecTool(makeHost()).run({ command: 'cat; echo end' }, makeContext('aa:1.0'));
    expect(textOf(result)).toBe('end');
  });

  it('keeps the gateway’s secrets from the command, and gives it the variables asked for', async () => {
    const secrets = { ANTHROPIC_API_KEY: 'sk-1', OPENCLAW_GATEWAY_TOKEN: 'tok-2', MY_SECRET: 'sec-3', DB_PASSWORD: 'pw-4', TELEGRAM_BOT_TOKEN: 'bot-5', REDIS: 'redis://user:pw-6@host/0' };
    const host = { ...makeHost(), env: { ...process.env, ...secrets, MONKEY: 'fine' } };
    const result = await createExecTool(host).run({ command: 'env; cat /proc/$PPID/environ 2>/dev/null | tr "\\0" "\\n"', env: { EXTRA: 'yes' } }, makeContext('aa:1.0'));
    for (const value of Object.values(secrets)) expect(textOf(result)).not.toContain(value);
    expect(textOf(result)).toContain('MONKEY=fine');
    expect(textOf(result)).toContain('EXTRA=yes');
  });

  it('runs in the workspace or a folder inside it, and nowhere else', async () => {
    const host = makeHost();
    mkdirSync(join(host.workspace, 'sub'));
    symlinkSync('/', join(host.workspace, 'out'));
    const exec = createExecTool(host);
    expect(textOf(await exec.run({ command: 'pwd' }, makeContext('aa:1.0')))).toBe(host.workspace);
    expect(textOf(await exec.run({ command: 'pwd', workdir: 'sub' }, makeContext('aa:2.0')))).toBe(join(host.workspace, 'sub'));
    for (const [index, workdir] of ['/', '..', 'out', 'missing'].entries()) {
      const result = await exec.run({ command: 'pwd', workdir }, makeContext(`aa:3.${index}`));
      expect(result.isError, workdir).toBe(true);
      expect(textOf(result)).toContain('refused');
      expect(existsSync(jobFolder(host.jobsDir, `aa:3.${index}`))).toBe(false);
    }
  });

  it('ends a command at its timeout, with what it printed, and a stubborn one too', async () => {
    const exec = createExecTool(makeHost());
    const started = Date.now();
    const result = await exec.run({ command: "trap '' TERM; echo begun; while true; do sleep 0.1; done", timeoutSeconds: 1 }, makeContext('aa:1.0'));
    expect(textOf(result)).toMatch(/^begun\n\[timed out: ended after 3/);
    expect(result).toMatchObject({ isError: true, details: { timedOut: true } });
    expect(Date.now() - started).toBeLessThan(6_000);
  });

  it('on the workflow’s cancellation ends the command and its grandchildren within a second', async () => {
    const host = makeHost();
    const context = makeContext('aa:1.0');
    const command = "echo $$; bash -c 'echo $BASHPID; sleep 300 & echo $!; wait' & wait";
    const running = createExecTool(host).run({ command }, context);
    const pids = await until(() => {
      const lines = context.deltas.join('').trim().split('\n');
      return lines.length === 3 && lines.map(Number);
    }, 'three processes');
    expect(pids.every(processLives)).toBe(true);
    const at = Date.now();
    context.cancel();
    const result = await running;
    expect(Date.now() - at).toBeLessThan(1_000);
    expect(pids.filter(processLives)).toEqual([]);
    expect(result).toMatchObject({ outcome: 'aborted', isError: true });
    expect(textOf(result)).toContain(String(pids[0]));
    expect(textOf(result)).toContain('stopped by the user');
  });

  it('on a stopping worker leaves the command running and throws; the next attempt gets all of it', async () => {
    const host = makeHost();
    const exec = createExecTool(host);
    const command = 'for i in 1 2 3 4 5 6; do echo line $i; echo x >> count; sleep 0.15; done; exit 4';
    const first = makeContext('aa:1.0');
    const running = exec.run({ command }, first);
    await until(() => first.deltas.join('').includes('line 2'), 'two lines');
    first.lose();
    await expect(running).rejects.toThrow('worker is stopping');
    const second = makeContext('aa:1.0');
    const result = await exec.run({ command }, second);
    expect(textOf(result)).toBe('line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n[exit code 4]');
    expect(second.deltas.join('')).toBe('line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n');
    expect(readFileSync(join(host.workspace, 'count'), 'utf8')).toBe('x\n'.repeat(6));
  });

  it('a call cancelled before it began never begins', async () => {
    const host = makeHost();
    const context = makeContext('aa:1.0');
    context.cancel();
    expect(await createExecTool(host).run({ command: 'echo x >> count' }, context)).toMatchObject({ outcome: 'aborted' });
    expect(await createExecTool(host).run({ command: 'echo x >> count' }, makeContext('aa:1.0'))).toMatchObject({ outcome: 'aborted' });
    expect(existsSync(join(host.workspace, 'count'))).toBe(false);
  });

  it('what a command leaves behind ends with it', async () => {
    const result = await createExecTool(makeHost()).run({ command: 'sleep 300 & echo $!' }, makeContext('aa:1.0'));
    expect(processLives(Number(textOf(result)))).toBe(false);
  });

  it('caps 10 MB of output at its two ends and keeps the whole', async () => {
    const host = makeHost();
    const command = 'echo FIRST; head -c 10000000 /dev/zero | tr "\\0" a | fold -w 99; echo; echo LAST';
    const context = makeContext('aa:1.0');
    const result = await createExecTool(host).run({ command }, context);
    const text = textOf(result);
    expect(text.length).toBeLessThan(17_000);
    expect(text.startsWith('FIRST\n')).toBe(true);
    expect(text.endsWith('LAST')).toBe(true);
    expect(text).toMatch(/\[… 10\d{6} bytes left out; all of it: read path job:aa-1\.0 …\]/);
    const output = join(jobFolder(host.jobsDir, 'aa:1.0'), 'output');
    expect(statSync(output).size).toBe(result.bytes);
    expect(result.bytes).toBeGreaterThan(10_000_000);
    // Watchers are not flooded.
    expect(context.deltas.join('').length).toBeLessThan(700_000);
    const read = await createReadTool(host).run({ path: 'job:aa-1.0', offset: 50_000, limit: 2 }, makeContext('aa:2.0'));
    expect(textOf(read)).toMatch(/^a{99}\na{99}\n/);
    const foreign = await createReadTool(host).run({ path: 'job:aa-1.0' }, makeContext('bb:2.0', undefined, 'agent:main:other'));
    expect(foreign.isError).toBe(true);
  });

  it('keeps its files to the owner', async () => {
    const host = makeHost();
    await createExecTool(host).run({ command: 'true' }, makeContext('aa:1.0'));
    const folder = jobFolder(host.jobsDir, 'aa:1.0');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['command.json', 'exit.json', 'output', 'owner.json']);
  });

  it('says when the jobs folder cannot be written, and begins nothing', async () => {
    const host = makeHost();
    writeFileSync(join(host.root, 'file'), '');
    const result = await createExecTool({ ...host, jobsDir: join(host.root, 'missing', 'deep') }).run({ command: 'true' }, makeContext('aa:1.0'));
    expect(result.outcome).toBe('ok'); // made on first use
const failed = await createExecTool({ ...host, jobsDir: join(host.root, 'file') }).run({ command: 'true' }, makeContext('aa:1.0'));
    expect(failed).toMatchObject({ isError: true, outcome: 'error' });
    expect(textOf(failed)).toContain('was not started');
  });
});

describe('exec in allowlist mode', () => {
  const limited = (): ReturnType<typeof makeHost> =>
    makeHost({ exec: { mode: 'allowlist', allow: ['echo', 'cat', 'ls', 'pwd', 'sleep'], timeoutSeconds: 60 } });

  it('runs listed commands without a shell', async () => {
    const host = limited();
    const result = await createExecTool(host).run({ command: "echo 'a;b' \"it's\" \\$HOME" }, makeContext('aa:1.0'));
    expect(textOf(result)).toBe("a;b it's $HOME");
  });

  it('refuses the rest with a reason and what is allowed, and leaves no trace', async () => {
    const host = limited();
    for (const [index, command] of ['echo hi > file', 'rm -rf .', 'cat /etc/passwd'].entries()) {
      const result = await createExecTool(host).run({ command }, makeContext(`aa:1.${index}`));
      expect(result.isError).toBe(true);
      expect(textOf(result)).toMatch(/^Refused: .* Allowed is one simple command of: echo cat ls pwd sleep/);
    }
    expect(readdirSync(host.jobsDir)).toEqual([]);
    expect(readdirSync(host.workspace)).toEqual([]);
  });

  it('takes no environment, which could load code, and no program from the workspace', async () => {
    const host = limited();
    expect((await createExecTool(host).run({ command: 'echo hi', env: { LD_PRELOAD: './evil.so' } }, makeContext('aa:1.0'))).isError).toBe(true);
    writeFileSync(join(host.workspace, 'echo'), '#!/bin/sh\necho evil\n', { mode: 0o755 });
    const env = { ...host.env, PATH: `${host.workspace}:.:${host.env['PATH']}` };
    expect(textOf(await createExecTool({ ...host, env }).run({ command: 'echo hi' }, makeContext('aa:2.0')))).toBe('hi');
  });

  it('a command begun before the rules changed is followed to its end', async () => {
    const host = makeHost();
    const first = makeContext('aa:1.0');
    const running = createExecTool(host).run({ command: 'sleep 0.5; echo done | cat' }, first);
    await until(() => existsSync(jobFolder(host.jobsDir, 'aa:1.0')), 'the job');
    first.lose();
    await expect(running).rejects.toThrow();
    const later = { ...host, config: { ...host.config, exec: { ...host.config.exec, mode: 'deny' as const } } };
    expect(textOf(await createExecTool(later).run({ command: 'sleep 0.5; echo done | cat' }, makeContext('aa:1.0')))).toBe('done');
    expect(textOf(await createExecTool(later).run({ command: 'echo hi' }, makeContext('aa:2.0')))).toContain('switched off');
  });
});

describe('exec in mode ask', () => {
  const askHost = () => makeHost({ exec: { mode: 'ask', allow: ['echo', 'ls'], timeoutSeconds: 60 } });

  it('wants a person’s word on what the list does not cover, and shows it exactly as it will run', async () => {
    const host = askHost();
    mkdirSync(join(host.workspace, 'sub'));
    const exec = createExecTool(host);
    expect(await exec.approval!({ command: 'echo hi' }, 'aa:1.0')).toBeUndefined();
    expect(await exec.approval!({ command: 'echo hi | cat', workdir: 'sub' }, 'aa:1.0')).toEqual({
      tool: 'exec', command: 'echo hi | cat', cwd: join(host.workspace, 'sub'), why: expect.stringContaining('pipe'),
    });
    expect(await exec.approval!({ command: 'echo hi', env: { A: 'b' } }, 'aa:1.0')).toEqual({
      tool: 'exec', command: 'echo hi', cwd: host.workspace, env: { A: 'b' }, why: 'it sets environment variables',
    });
    // Refused whatever anybody says: nothing to ask.
    expect(await exec.approval!({ command: 'make', workdir: '/' }, 'aa:1.0')).toBeUndefined();
    expect(await exec.approval!({ command: 'echo hi | cat', env: { 'A B': 'c' } }, 'aa:1.0')).toBeUndefined();
  });

  it('runs it with a shell once it is approved, and never before', async () => {
    const host = askHost();
    const exec = createExecTool(host);
    const call = { command: 'echo ran >> log; cat log' };
    const refused = await exec.run(call, makeContext('aa:1.0'));
    expect(refused).toMatchObject({ isError: true, outcome: 'error' });
    expect(textOf(refused)).toContain('needs the approval of the owner');
    expect(existsSync(join(host.workspace, 'log'))).toBe(false);
    expect(textOf(await exec.run(call, { ...makeContext('aa:2.0'), approved: true }))).toBe('ran');
    // Begun: it is followed, not asked about again.
    expect(await exec.approval!(call, 'aa:2.0')).toBeUndefined();
    expect(textOf(await exec.run(call, makeContext('aa:2.0')))).toBe('ran');
    expect(readFileSync(join(host.workspace, 'log'), 'utf8')).toBe('ran\n');
  });
});

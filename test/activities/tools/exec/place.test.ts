/**
 * A call's place (`run:step.index`) can come back for another call: the store lost its latest entries and the model is asked
 * anew, while the job of the lost call is still there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createExecTool } from '../../../../src/activities/tools/exec/exec.js';
import { killJob } from '../../../../src/activities/tools/exec/jobs.js';
import { makeContext, makeHost, textOf } from '../helpers/env.js';

it('the same call is answered from its job, whatever its time limit; another one is not, and does not run', async () => {
  const host = makeHost();
  const exec = createExecTool(host);
  const file = join(host.workspace, 'lines');
  const first = { command: 'echo line >> lines; echo done' };
  expect(textOf(await exec.run(first, makeContext('aa:2.0')))).toBe('done');
  expect(textOf(await exec.run({ ...first, timeoutSeconds: 5 }, makeContext('aa:2.0')))).toBe('done');
  expect(readFileSync(file, 'utf8')).toBe('line\n');

  for (const other of [{ command: 'touch other' }, { ...first, workdir: '..' }, { ...first, env: { A: '1' } }, { ...first, background: true }]) {
    const result = await exec.run(other, makeContext('aa:2.0'));
    expect(result).toMatchObject({ outcome: 'unknown', isError: true });
    expect(textOf(result)).toContain('was not run');
    expect(textOf(result)).toContain(first.command);
    expect(textOf(result)).toContain('exit code 0');
    expect(textOf(result)).toContain('Its output:\ndone');
  }
  expect(existsSync(join(host.workspace, 'other'))).toBe(false);
  expect(readFileSync(file, 'utf8')).toBe('line\n');
});

it('a job that still runs is named, so that it can be looked at', async () => {
  const host = makeHost();
  const exec = createExecTool(host);
  const job = await exec.run({ command: 'read line', background: true }, makeContext('aa:2.0'));
  expect(job.outcome).toBe('ok');
  const result = await exec.run({ command: 'echo other' }, makeContext('aa:2.0'));
  expect(textOf(result)).toContain('still runs, as job aa-2.0');
  await killJob(host.jobsDir, 'aa:2.0');
});

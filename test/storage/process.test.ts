/** A process is told from another that later got its number. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { bootId, isSameProcess, processStartTime } from '../../src/storage/process.js';

test('a running process has a start time that does not change', async () => {
  const first = processStartTime(process.pid);
  await sleep(20);
  expect(first).toMatch(/\S/);
  expect(processStartTime(process.pid)).toBe(first);
  expect(isSameProcess(process.pid, first ?? '')).toBe(true);
});

test('the same pid with another start time is another process', () => {
  expect(isSameProcess(process.pid, '1')).toBe(false);
  expect(isSameProcess(process.pid, '')).toBe(false);
});

test('a process that ended is gone, also while nobody has waited for it', async () => {
  const child = spawn('sleep', ['30'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const start = processStartTime(pid) ?? '';
  expect(isSameProcess(pid, start)).toBe(true);
  child.kill('SIGKILL');
  await new Promise((done) => child.once('exit', done));
  expect(isSameProcess(pid, start)).toBe(false);
  expect(processStartTime(pid)).toBeUndefined();
});

test('the boot has one id', () => {
  expect(bootId()).toMatch(/\S{8,}/);
  expect(bootId()).toBe(bootId());
});

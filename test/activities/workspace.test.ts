/** The workspace belongs to the person: starter files are put there once, and never again. */
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureWorkspace } from '../../src/activities/workspace/workspace.js';

let root: string;
let dir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'openclaw-workspace-'));
  dir = join(root, 'deep', 'workspace');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const STARTERS = ['AGENTS.md', 'SOUL.md', 'USER.md'];

it('a missing one is made with short starter files and a folder for notes, for its owner alone', async () => {
  expect(await ensureWorkspace(dir)).toBe(true);
  expect(readdirSync(dir).toSorted()).toEqual([...STARTERS, 'memory']);
  for (const name of STARTERS) expect(readFileSync(join(dir, name), 'utf8').length).toBeLessThan(1_000);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
});

it('an empty folder gets them too', async () => {
  mkdirSync(dir, { recursive: true });
  expect(await ensureWorkspace(dir)).toBe(true);
  expect(readdirSync(dir)).toEqual(expect.arrayContaining(STARTERS));
});

it('what a person wrote is never overwritten', async () => {
  await ensureWorkspace(dir);
  writeFileSync(join(dir, 'SOUL.md'), 'mine');
  writeFileSync(join(dir, 'USER.md'), '');
  expect(await ensureWorkspace(dir)).toBe(false);
  expect([readFileSync(join(dir, 'SOUL.md'), 'utf8'), readFileSync(join(dir, 'USER.md'), 'utf8')]).toEqual(['mine', '']);
});

it('a starter file that a person deleted stays deleted', async () => {
  await ensureWorkspace(dir);
  rmSync(join(dir, 'USER.md'));
  expect(await ensureWorkspace(dir)).toBe(false);
  expect(readdirSync(dir)).not.toContain('USER.md');
});

it('a folder that holds anything at all is left as it is', async () => {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, '.git'), '');
  expect(await ensureWorkspace(dir)).toBe(false);
  expect(readdirSync(dir)).toEqual(['.git']);
});

it('two that start at once make it once and lose nothing', async () => {
  await Promise.all([ensureWorkspace(dir), ensureWorkspace(dir)]);
  expect(readdirSync(dir).toSorted()).toEqual([...STARTERS, 'memory']);
  for (const name of STARTERS) expect(readFileSync(join(dir, name), 'utf8')).not.toBe('');
});

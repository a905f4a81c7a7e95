/**
 * The folder of brought tools, shared by all clones of one person.
 *
 * Invariant: a tool's folder exists only whole and checked. It is written aside, checked there and renamed; a lock keeps
 * two clones from fetching the same thing twice, and a lock whose owner died is taken over.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Problem, say } from './say.mjs';

/** A fetch of a 150 MB tool over a slow line takes minutes; a lock older than this was left by a dead process. */
const LOCK_STALE_MS = 30 * 60_000;

export function toolsDir(env = process.env) {
  const cache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return env.OPENCLAW_TOOLS_DIR || join(cache, 'openclaw-temporal');
}

/** `<tools>/<name>` once it is there; `fetch(folder)` fills an empty folder, `check(folder)` throws when it is not usable. */
export async function bringTool(name, { what, fetch, check }) {
  const folder = join(toolsDir(), name);
  if (existsSync(folder)) return folder;
  makeToolsDir();
  return withLock(`${folder}.lock`, `another process is fetching ${what}`, async () => {
    if (existsSync(folder)) return folder;
    const aside = `${folder}.${process.pid}.part`;
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside, { recursive: true });
    try {
      say(`fetching ${what} into ${toolsDir()}`);
      await fetch(aside);
      await check(aside);
      renameSync(aside, folder);
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
    return folder;
  });
}

/** Runs `work` while holding the lock file; waits for a living owner. */
export async function withLock(path, waiting, work) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!tryLock(path)) {
    if (!told) say(`${waiting}; waiting for it`);
    told = true;
    await sleep(200);
  }
  // Signals end the process without `finally`; a lock with a dead owner's pid is taken over, so nothing is left to do.
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path) {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (!ownerIsGone(path)) return false;
  // Of several waiters only the one whose rename succeeds removes the stale lock; the others try again.
  const dead = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, dead);
  } catch {
    return false;
  }
  rmSync(dead, { force: true });
  return false;
}

function ownerIsGone(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    const age = Date.now() - statSync(path).mtimeMs;
    if (age > LOCK_STALE_MS) return true;
    if (!Number.isInteger(pid) || pid <= 0) return age > 2_000; // between creation and writing it is empty for a moment
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function makeToolsDir() {
  try {
    mkdirSync(toolsDir(), { recursive: true });
  } catch (error) {
    throw new Problem(`The tools folder ${toolsDir()} cannot be created (${error.code}).`, 'set OPENCLAW_TOOLS_DIR to a writable folder');
  }
}

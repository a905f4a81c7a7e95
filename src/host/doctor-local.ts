/**
 * What can be checked about this installation without a gateway.
 * Invariant: looks only; nothing is created or repaired, and no check stops the others.
 */
import { closeSync, existsSync, lstatSync, openSync, readSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, messageOf } from '../core/errors.js';
import { loadConfig, showIssue } from '../storage/config/load.js';
import { resolvePaths, stateDirProblem, type PathOptions } from '../storage/config/paths.js';
import { readToken } from '../storage/config/token.js';

export interface Check {
  readonly id: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

/** Below this the databases can fill the disk within a day of use. */
const FREE_BYTES_WARN = 1024 ** 3;
const FREE_BYTES_FAIL = 100 * 1024 ** 2;
const NODE_MAJOR = 24;

export function localChecks(options: PathOptions): readonly Check[] {
  const { stateDir } = resolvePaths(options);
  const checks: (readonly [string, () => Omit<Check, 'id'>])[] = [
    ['node', nodeVersion],
    ['state-dir', () => stateDirectory(stateDir)],
    ['modes', () => modes(stateDir)],
    ['config', () => config(options)],
    ['token', () => token(options, stateDir)],
    ['store', () => store(stateDir)],
    ['disk', () => disk(stateDir)],
  ];
  return checks.map(([id, check]) => {
    try {
      return { id, ...check() };
    } catch (error) {
      return { id, status: 'fail', message: messageOf(error), ...(error instanceof CodedError && error.hint ? { hint: error.hint } : {}) };
    }
  });
}

function nodeVersion(): Omit<Check, 'id'> {
  const version = process.versions.node;
  if (Number(version.split('.')[0]) >= NODE_MAJOR) return { status: 'ok', message: `Node ${version}` };
  return { status: 'fail', message: `Node ${version} is too old`, hint: `Install Node ${NODE_MAJOR} or newer.` };
}

function stateDirectory(stateDir: string): Omit<Check, 'id'> {
  const problem = stateDirProblem(stateDir);
  if (problem) return { status: 'fail', message: problem.message, ...(problem.hint ? { hint: problem.hint } : {}) };
  return existsSync(stateDir)
    ? { status: 'ok', message: `State directory ${stateDir}` }
    : { status: 'warn', message: `State directory ${stateDir} does not exist yet`, hint: 'Start the gateway once: openclaw gateway' };
}

/** Files of ours must not be readable by others: 0600, folders 0700. */
function modes(stateDir: string): Omit<Check, 'id'> {
  if (!existsSync(stateDir)) return { status: 'ok', message: 'No files yet' };
  // What is not ours is not ours to change.
  if (stateDirProblem(stateDir)) return { status: 'ok', message: 'Files: not looked at' };
  const open: string[] = [];
  if ((lstatSync(stateDir).mode & 0o077) !== 0) open.push(stateDir);
  for (const entry of readdirSync(stateDir, { withFileTypes: true })) {
    // A socket's own mode is set by the process that holds it; a link's means nothing.
    if (entry.isSymbolicLink() || entry.isSocket() || entry.name === 'workspace') continue;
    const path = join(stateDir, entry.name);
    if ((lstatSync(path).mode & 0o077) !== 0) open.push(path);
  }
  if (open.length === 0) return { status: 'ok', message: 'Files are private' };
  return { status: 'warn', message: `Other users can reach ${open.join(', ')}`, hint: `Run: chmod go-rwx ${open.join(' ')}` };
}

function config(options: PathOptions): Omit<Check, 'id'> {
  const { path, exists, warnings } = loadConfig(options);
  if (warnings.length > 0) {
    return { status: 'warn', message: warnings.map((issue) => showIssue(issue, path)).join('; '), hint: `Correct ${path}, or leave it: these keys have no effect.` };
  }
  return { status: 'ok', message: exists ? `Config ${path}` : `No config file (${path}): defaults` };
}

function token(options: PathOptions, stateDir: string): Omit<Check, 'id'> {
  if (options.env['OPENCLAW_GATEWAY_TOKEN']) return { status: 'ok', message: 'Gateway token from OPENCLAW_GATEWAY_TOKEN' };
  if (loadConfig(options).config.gateway.auth.token !== undefined) return { status: 'ok', message: 'Gateway token from the config' };
  if (readToken(stateDir) !== undefined) return { status: 'ok', message: 'Gateway token present' };
  return { status: 'warn', message: 'No gateway token yet', hint: 'The first start of the gateway makes one: openclaw gateway' };
}

/** Without opening it: a gateway may be at work on it. */
function store(stateDir: string): Omit<Check, 'id'> {
  const file = join(stateDir, 'openclaw.db');
  const engine = existsSync(join(stateDir, 'temporal', 'temporal.db'));
  if (!existsSync(file)) {
    if (!engine) return { status: 'ok', message: 'No store yet' };
    return { status: 'fail', message: `${file} is missing, but temporal/ has its histories`, hint: 'Restore openclaw.db from a backup; to begin anew without the old sessions, move temporal/ away.' };
  }
  const head = headOf(file, SQLITE_HEAD.length);
  if (head !== SQLITE_HEAD) return { status: 'fail', message: `${file} is no SQLite database`, hint: 'Restore it from a backup; the file is never replaced by itself.' };
  return engine ? { status: 'ok', message: 'Store and engine data present' } : { status: 'warn', message: 'temporal/ has no data: the engine starts anew', hint: 'Unfinished runs go on from the store. If you did not move it away, look for it.' };
}

function headOf(file: string, length: number): string {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    readSync(fd, bytes, 0, length, 0);
    return bytes.toString('latin1');
  } finally {
    closeSync(fd);
  }
}

const SQLITE_HEAD = 'SQLite format 3\0';

function disk(stateDir: string): Omit<Check, 'id'> {
  let at = stateDir;
  while (!existsSync(at)) at = join(at, '..');
  const { bavail, bsize } = statfsSync(at);
  const free = bavail * bsize;
  const message = `${(free / 1024 ** 3).toFixed(1)} GB free`;
  if (free < FREE_BYTES_FAIL) return { status: 'fail', message, hint: 'Free some space: the databases cannot grow.' };
  return free < FREE_BYTES_WARN ? { status: 'warn', message, hint: 'Free some space before the databases fill the disk.' } : { status: 'ok', message };
}

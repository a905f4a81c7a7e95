/**
 * The state directory, ready to be written to: guarded, created, private.
 */
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CodedError, messageOf } from '../core/errors.js';
import { type PathOptions, type Paths, resolvePaths, stateDirProblem } from '../storage/config/index.js';

export interface StateDir extends Paths {
  readonly db: string;
  readonly lock: string;
  readonly media: string;
  readonly jobs: string;
  readonly runSocket: string;
}

/** @throws CodedError STATE_DIR_… with what to do */
export function prepareStateDir(options: PathOptions): StateDir {
  if (process.platform === 'win32') {
    throw new CodedError('PLATFORM', 'OpenClaw runs on Linux and macOS', 'On Windows install it inside WSL.');
  }
  const paths = resolvePaths(options);
  const problem = stateDirProblem(paths.stateDir);
  if (problem) throw problem;
  const at = (name: string): string => join(paths.stateDir, name);
  try {
    makeFolder(paths.stateDir);
    if ((statSync(paths.stateDir).mode & 0o077) !== 0) chmodSync(paths.stateDir, 0o700);
    for (const name of ['temporal', 'media', 'jobs', 'logs']) makeFolder(at(name));
  } catch (error) {
    throw new CodedError('STATE_DIR_UNWRITABLE', `The state directory ${paths.stateDir} cannot be used: ${messageOf(error)}`, 'Set OPENCLAW_STATE_DIR to a directory you own.');
  }
  return { ...paths, db: at('openclaw.db'), lock: at('gateway.lock'), media: at('media'), jobs: at('jobs'), runSocket: at('run.sock') };
}

/** Not Node's `recursive`: where a file system answers ENOENT for a folder it refuses (/proc), that never ends. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process of this installation made it at the same time.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

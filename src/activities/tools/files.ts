/**
 * Where file tools may go.
 *
 * Invariant: a path that comes out of here is real (no symlink left in it) and lies in the workspace or a configured
 * root; the state directory (database, credentials, other sessions' jobs) is never among them, except the workspace
 * that usually lies in it. Opened files are checked once more by their descriptor, so a folder exchanged for a symlink
 * in between leads nowhere.
 */
import { constants, readlinkSync, realpathSync } from 'node:fs';
import { lstat, open, realpath, type FileHandle } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { CodedError } from '../../core/errors.js';

export interface Roots {
  /** Relative paths start here. */
  readonly workspace: string;
  readonly roots: readonly string[];
  readonly stateDir: string;
}

export const contains = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
};

/** @param real an absolute path without symlinks */
export function realPathProblem(real: string, where: Roots): string | undefined {
  const workspace = realOr(where.workspace);
  const state = realOr(where.stateDir);
  // Whichever lies in the other decides: usually the workspace in the state directory, but a home folder holds both.
  const stateInside = workspace !== state && contains(workspace, state);
  if (contains(workspace, real) && !(stateInside && contains(state, real))) return undefined;
  if (contains(state, real)) return 'it belongs to the state directory of this program';
  if (where.roots.some((root) => contains(realOr(root), real))) return undefined;
  return `it is outside the workspace (${workspace})${where.roots.length > 0 ? ` and the folders of tools.fs.roots (${where.roots.join(', ')})` : ''}`;
}

/** A command that walks this folder would come to the state directory, whatever is said of single paths. */
export const holdsState = (real: string, where: Roots): boolean => contains(real, realOr(where.stateDir));

function realOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/**
 * The real path of something that may not exist yet.
 * @throws CodedError PATH_REFUSED
 */
export async function resolveInside(path: string, where: Roots): Promise<string> {
  if (path === '' || path.includes('\0')) throw refused(path, 'it is empty or holds a null byte');
  if (/^~/.test(path)) throw refused(path, '`~` is not expanded; use a path in the workspace');
  const wanted = resolve(where.workspace, path);
  const real = await realOfNearest(wanted, path);
  const problem = realPathProblem(real, where);
  if (problem) throw refused(path, problem);
  return real;
}

/** The nearest existing ancestor made real, the rest appended: what does not exist holds no symlink. */
async function realOfNearest(wanted: string, shown: string): Promise<string> {
  const rest: string[] = [];
  for (let at = wanted; ; at = dirname(at)) {
    try {
      return join(await realpath(at), ...rest);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOTDIR') throw refused(shown, 'a part of it is a file, not a folder');
      if (code === 'ELOOP') throw refused(shown, 'its symlinks go round in a circle');
      if (code !== 'ENOENT') throw refused(shown, `it cannot be looked up (${code})`);
      // A symlink to nowhere would be created at its target.
      if (await lstat(at).then((found) => found.isSymbolicLink(), () => false)) throw refused(shown, 'it is a symlink to something that does not exist');
      rest.unshift(basename(at));
      if (dirname(at) === at) throw refused(shown, 'it does not exist');
    }
  }
}

/**
 * Opens a regular file that {@link resolveInside} gave out. Never follows a last symlink, never waits on a FIFO.
 * @throws CodedError PATH_REFUSED, NOT_FOUND
 */
export async function openInside(real: string, flags: number, where: Roots): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(real, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new CodedError('NOT_FOUND', `${real} does not exist.`);
    if (code === 'EISDIR') throw refused(real, 'it is a folder; use ls');
    if (code === 'ENXIO') throw refused(real, 'it is not a regular file');
    throw refused(real, code === 'ELOOP' ? 'it is a symlink' : `it cannot be opened (${code})`);
  }
  try {
    const found = await handle.stat();
    if (found.isDirectory()) throw refused(real, 'it is a folder; use ls');
    if (!found.isFile()) throw refused(real, 'it is not a regular file');
    await checkOpened(handle, real, where);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Where the descriptor really leads: asked of the kernel on Linux, elsewhere by looking the path up once more. */
export async function checkOpened(handle: FileHandle, real: string, where: Roots): Promise<void> {
  const at = process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${handle.fd}`) : await realpath(real);
  const problem = realPathProblem(at.replace(/ \(deleted\)$/, ''), where);
  if (problem) throw refused(real, problem);
}

/** A real path as the agent is told it: relative to the workspace if it lies there. */
export const shownPath = (real: string, where: Roots): string => (contains(where.workspace, real) ? relative(where.workspace, real) : real);

export const refused = (path: string, why: string): CodedError =>
  new CodedError('PATH_REFUSED', `The path ${JSON.stringify(clipPath(path))} is refused: ${why}.`);

const clipPath = (path: string): string => (path.length > 200 ? `${path.slice(0, 200)}…` : path);

/**
 * Where a unix socket can live. A socket's path is limited to 104 bytes on macOS and 108 on Linux, less than many state
 * directories take; past 100 bytes it moves to a short path under the system's temporary folder, named by a hash of the
 * wanted one, so that both sides find it without a word.
 * Invariant: the folder that holds the socket belongs to this user alone (0700), or the path is refused.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { CodedError } from '../core/errors.js';

export const SOCKET_PATH_MAX = 100;

/** The path itself when it is short enough, else its stand-in. Pure but for reading the user's id and temp folder. */
export function socketPath(wanted: string): string {
  const full = resolve(wanted);
  if (Buffer.byteLength(full) <= SOCKET_PATH_MAX) return full;
  const name = createHash('sha256').update(full).digest('hex').slice(0, 24);
  const folder = `openclaw-${userInfo().uid}`;
  const short = join(tmpdir(), folder, `${name}.sock`);
  // A temporary folder can itself be too deep; /tmp is there on every system we run on.
  return Buffer.byteLength(short) <= SOCKET_PATH_MAX ? short : join('/tmp', folder, `${name}.sock`);
}

/** Makes the socket's folder and checks whose it is: a stranger's folder under /tmp could hold a listener of theirs. */
export function prepareSocketFolder(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkSocketFolder(path);
}

export function checkSocketFolder(path: string): void {
  const folder = dirname(path);
  const stat = lstatSync(folder);
  const mine = stat.isDirectory() && stat.uid === userInfo().uid;
  if (mine && (stat.mode & 0o022) === 0) return;
  throw new CodedError('SOCKET_FOLDER', `${folder} is not a folder of this user alone, so no socket is opened in it.`, `Run: chmod 700 ${folder}, or remove it.`);
}

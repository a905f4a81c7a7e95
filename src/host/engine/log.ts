/**
 * The server's log: a file that outlives the gateway, rotated while the server keeps writing.
 *
 * Invariant: the server's descriptor stays valid. It is opened for append, so after copy and truncate its next line
 * lands at the start of the emptied file; renaming would leave it writing into the old one.
 */
import { closeSync, constants, copyFileSync, mkdirSync, openSync, readFileSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** At level `warn` a healthy server writes a few lines a day; this much means trouble that two generations can explain. */
const ROTATE_BYTES = 10 * 1024 * 1024;
const GENERATIONS = 2;

export const logPath = (stateDir: string): string => join(stateDir, 'logs', 'temporal.log');

/** Opens the log for append; the caller hands the descriptor to the child and closes its own. */
export function openLog(stateDir: string): number {
  mkdirSync(join(stateDir, 'logs'), { recursive: true, mode: 0o700 });
  return openSync(logPath(stateDir), constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
}

/** Copies the log aside and empties it once it is larger than `limit` bytes. Lines written in between may be lost. */
export function rotateLog(stateDir: string, limit = ROTATE_BYTES): void {
  const path = logPath(stateDir);
  if (sizeOf(path) <= limit) return;
  for (let n = GENERATIONS; n > 1; n -= 1) {
    if (sizeOf(`${path}.${n - 1}`) >= 0) renameSync(`${path}.${n - 1}`, `${path}.${n}`);
  }
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
}

/** The last lines, for an error message about a server that did not start. */
export function logTail(stateDir: string, fromByte: number, lines = 5): string {
  try {
    return readFileSync(logPath(stateDir)).subarray(fromByte).toString('utf8').trim().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

export function logSize(stateDir: string): number {
  return Math.max(0, sizeOf(logPath(stateDir)));
}

export function closeLog(fd: number): void {
  closeSync(fd);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

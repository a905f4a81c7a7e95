/**
 * `temporal/server.json`: which process is the embedded server, and how it was started.
 *
 * Invariant: only a process whose pid, start time and boot are recorded here, or which wrote them itself into
 * `temporal/server.pid` before it became the server, is ever signalled. The second file closes the gap between the
 * spawn and the record: a gateway killed in between leaves no server that nobody knows.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { bootId, isSameProcess } from '../../storage/process.js';
import { rotateLog } from './log.js';
import type { EnginePorts } from './types.js';

export interface ProcessIdentity {
  readonly pid: number;
  /** As `processStartTime` tells it. */
  readonly startTime: string;
  readonly bootId: string;
}

export interface ServerRecord extends ProcessIdentity {
  readonly ports: EnginePorts;
  /** First line of `temporal --version`. */
  readonly version: string;
  /** Which file said so, with its size and time: as long as it is that one, it need not be asked again. */
  readonly cli?: string;
  readonly flags: readonly string[];
}

export const recordPath = (stateDir: string): string => join(stateDir, 'temporal', 'server.json');
export const pidFilePath = (stateDir: string): string => join(stateDir, 'temporal', 'server.pid');

/** Where all of this stands, before a server is started or adopted. */
export function prepareFolder(stateDir: string): void {
  mkdirSync(join(stateDir, 'temporal'), { recursive: true, mode: 0o700 });
  rotateLog(stateDir);
}

export const isRunning = (identity: ProcessIdentity): boolean =>
  identity.bootId === bootId() && isSameProcess(identity.pid, identity.startTime);

/** The record, or `undefined` when there is none that can be understood; a broken file only costs an adoption. */
export function readRecord(stateDir: string): ServerRecord | undefined {
  const value = readJson(recordPath(stateDir));
  if (value === undefined) return undefined;
  const { pid, startTime, bootId: boot, ports, version, cli, flags } = value as Partial<ServerRecord>;
  const whole =
    typeof pid === 'number' && typeof startTime === 'string' && typeof boot === 'string' && typeof version === 'string' &&
    typeof ports?.grpc === 'number' && typeof ports.ui === 'number' && Array.isArray(flags);
  return whole ? { pid, startTime, bootId: boot, ports, version, ...(typeof cli === 'string' ? { cli } : {}), flags } : undefined;
}

export function writeRecord(stateDir: string, record: ServerRecord): void {
  const path = recordPath(stateDir);
  const aside = `${path}.${process.pid}`;
  const fd = openSync(aside, 'w', 0o600);
  writeSync(fd, `${JSON.stringify(record, null, 2)}\n`);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(aside, path);
}

/** What the server process wrote about itself; see {@link SELF_RECORDING_SHELL}. */
export function readPidFile(stateDir: string): ProcessIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(pidFilePath(stateDir), 'utf8');
  } catch {
    return undefined;
  }
  const [pid, boot, ...start] = text.trim().split(' ');
  if (pid === undefined || boot === undefined || start.length === 0) return undefined;
  return { pid: Number(pid), startTime: start.join(' '), bootId: boot };
}

/**
 * Shell script run as `sh -c <this> sh <pid file> <boot id> <executable> <flags…>`: writes "<pid> <boot> <start time>"
 * and then becomes the server. `exec` keeps pid and start time, so the line is true of the server before it exists.
 * The start time is read as `processStartTime` reads it: field 22 of /proc/<pid>/stat, else `ps`.
 */
export const SELF_RECORDING_SHELL = `
umask 077
file=$1 boot=$2
shift 2
if [ -r "/proc/$$/stat" ]; then
  stat=$(cat "/proc/$$/stat")
  rest=\${stat##*\\) }
  start=$(set -- $rest; echo "\${20}")
else
  start=$(set -- $(LC_ALL=C TZ=UTC ps -o lstart= -p $$); echo "$*")
fi
echo "$$ $boot $start" > "$file.$$" && mv "$file.$$" "$file" || exit 1
exec "$@"
`;

export function removeRecords(stateDir: string): void {
  rmSync(recordPath(stateDir), { force: true });
  rmSync(pidFilePath(stateDir), { force: true });
}

function readJson(path: string): object | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

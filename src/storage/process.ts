/**
 * Telling one process from another that later got its number.
 *
 * Invariant: a process is named by three facts together: its pid, its start time and the boot it belongs to. Whoever
 * signals, adopts or waits for a process it did not just spawn compares all of them first, so a reused pid is never
 * killed and never mistaken for the owner of a claim.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When `pid` started, in the operating system's own words: clock ticks since boot on Linux, a date to the second on
 * macOS. Compare it, never parse it. `undefined` when no such process runs (a zombie counts as gone: it can neither
 * hold a lock nor finish a step).
 */
export function processStartTime(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? linuxStartTime(pid) : psStartTime(pid);
}

/** Is the process that was recorded as (`pid`, `startTime`) still running? Only meaningful within one boot. */
export function isSameProcess(pid: number, startTime: string): boolean {
  return startTime !== '' && processStartTime(pid) === startTime;
}

/** An id that changes with every boot of the machine; a start time is only comparable within one. */
export function bootId(): string {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  // kern.boottime moves when the clock is set; the session uuid does not, but older systems lack it.
  return run('sysctl', ['-n', 'kern.bootsessionuuid']) ?? run('sysctl', ['-n', 'kern.boottime']) ?? 'unknown';
}

export interface ProcessOwner {
  readonly owner_pid: number;
  readonly owner_start: string;
  readonly owner_boot: string;
}

let own: ProcessOwner | undefined;

/** This process as rows name it. Asked for once: on macOS each fact is a program that has to run. */
export const thisProcess = (): ProcessOwner => (own ??= { owner_pid: process.pid, owner_start: processStartTime(process.pid) ?? '', owner_boot: bootId() });

/** Does the process that a row names still run? */
export const ownerLives = (owner: ProcessOwner): boolean => owner.owner_boot === thisProcess().owner_boot && (Number(owner.owner_pid) === process.pid || isSameProcess(Number(owner.owner_pid), owner.owner_start));

function linuxStartTime(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command name is in parentheses and may itself hold spaces and parentheses: count fields after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  if (state === 'Z' || state === 'X') return undefined;
  return fields[19]; // field 22 of proc(5), `starttime`
}

function psStartTime(pid: number): string | undefined {
  const line = run('ps', ['-o', 'state=,lstart=', '-p', String(pid)]);
  if (line === undefined) return undefined;
  const [state = '', ...date] = line.split(/\s+/);
  return state.startsWith('Z') || date.length === 0 ? undefined : date.join(' ');
}

function run(command: string, args: readonly string[]): string | undefined {
  try {
    // A fixed locale and zone, or the same moment would read differently from two shells.
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    const out = execFileSync(command, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return out === '' ? undefined : out;
  } catch {
    return undefined;
  }
}

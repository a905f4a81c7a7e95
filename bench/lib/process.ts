/**
 * Real processes and what they cost.
 * Invariant: wall time is measured from spawn to exit, outside the process, without anything loaded into it; memory is
 * asked for in runs of its own.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../bin/openclaw.mjs', import.meta.url));

export interface Ended {
  readonly ms: number;
  readonly code: number | null;
  readonly stderr: string;
}

/** Its output is read, as a terminal would. */
export function timed(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stdout.resume();
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ ms: performance.now() - begun, code, stderr }));
  });
}

/** Most resident memory a Node command had, in MB. */
export async function peakMemory(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-bench-'));
  const file = join(folder, 'peak');
  try {
    await timed(process.execPath, ['--import', new URL('peak.mjs', import.meta.url).href, ...args], { ...env, OPENCLAW_BENCH_PEAK: file });
    return Number(readFileSync(file, 'utf8')) / 1024;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resident memory of a running process, in MB. */
export function memory(pid: number): number {
  const kilobytes = process.platform === 'linux' ? /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)]).toString();
  return Number(kilobytes) / 1024;
}

export interface Weighed {
  readonly processes: number;
  /** Resident, in MB: pages that two of them share count twice. */
  readonly residentMb: number;
  /** CPU time used since their starts, in ms. */
  readonly cpuMs: number;
}

/** These processes and everything they started. Fractions of the `ps` clock are lost where there is no /proc: watch for many seconds there. */
export function weigh(roots: readonly number[]): Weighed {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,time=']).toString().trim().split('\n').map((line) => line.trim().split(/\s+/));
  const chosen = new Set(roots);
  for (let before = -1; before !== chosen.size; ) {
    before = chosen.size;
    for (const [pid, parent] of all) if (chosen.has(Number(parent))) chosen.add(Number(pid));
  }
  const rows = all.filter(([pid]) => chosen.has(Number(pid)));
  const gone = roots.find((pid) => !rows.some(([each]) => Number(each) === pid));
  if (gone !== undefined) throw new Error(`process ${gone} does not run on this machine`);
  return { processes: rows.length, residentMb: rows.reduce((sum, [, , rss]) => sum + Number(rss), 0) / 1024, cpuMs: rows.reduce((sum, [pid, , , time]) => sum + cpuTime(Number(pid), time!), 0) };
}

/** Linux counts in hundredths of a second. */
function cpuTime(pid: number, clock: string): number {
  if (process.platform === 'linux') {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
  const [, days = '0', rest = clock] = /^(?:(\d+)-)?(.*)$/.exec(clock) ?? [];
  return (Number(days) * 86_400 + rest.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)) * 1_000;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** As `until` of the tests, but so closely that the wait does not show in the figure. */
export async function soon<T>(what: string, look: () => T | undefined | Promise<T | undefined>, limitMs = 90_000): Promise<T> {
  for (const limit = performance.now() + limitMs; ; await pause(3)) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > limit) throw new Error(`not in time: ${what}`);
  }
}

/** When the address first answers 200, on `performance.now()`'s clock. */
export const answersAt = (url: string): Promise<number> =>
  soon(url, async () => {
    try {
      const { status } = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      return status === 200 ? performance.now() : undefined;
    } catch {
      return undefined;
    }
  });

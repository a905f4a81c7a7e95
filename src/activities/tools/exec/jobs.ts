/**
 * Starting, finding and ending jobs: commands under a supervisor of their own.
 *
 * Invariant (DESIGN §4): a call's command is begun at most once. No folder: start; a living supervisor: attach; an exit
 * file: done; neither: unknown, which is said and never guessed.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CodedError, messageOf } from '../../../core/errors.js';
import { bootId, isSameProcess } from '../../../storage/process.js';
import { commandEnvironment } from './environment.js';
import { FILES, jobFolder, jobName, readJson, type JobCommand, type JobExit, type JobOwner, type JobSpec } from './job-files.js';

export type JobState =
  | { readonly state: 'absent' }
  | { readonly state: 'running'; readonly owner: JobOwner }
  | { readonly state: 'done'; readonly owner: JobOwner | undefined; readonly exit: JobExit }
  /** Begun; supervisor gone without an exit file. `pid`: the command itself still runs, unattended. */
  | { readonly state: 'unknown'; readonly owner: JobOwner | undefined; readonly pid: number | undefined };

/** A folder without an owner is a copy or a torn restore; still, somebody may be in the middle of it. */
const OWNER_WAIT_MS = 1_000;
/** A supervisor takes some tens of milliseconds to start. */
const START_POLL_MS = 5;
/** SIGTERM, its grace of half a second, and the writing of the exit file on a busy machine. */
const KILL_WAIT_MS = 5_000;

/** Compiled beside this file; unbuilt, node runs the source. */
function supervisorScript(): string {
  const compiled = fileURLToPath(new URL('./supervisor.js', import.meta.url));
  return existsSync(compiled) ? compiled : fileURLToPath(new URL('./supervisor.ts', import.meta.url));
}

/** What is known of a call's job, from its files alone. */
export function jobState(jobsDir: string, key: string): JobState {
  const folder = jobFolder(jobsDir, key);
  if (!existsSync(folder)) return { state: 'absent' };
  const owner = readJson<JobOwner>(join(folder, FILES.owner));
  const exit = readJson<JobExit>(join(folder, FILES.exit));
  if (exit) return { state: 'done', owner, exit };
  if (owner && isSameProcess(owner.pid, owner.startTime) && owner.bootId === bootId()) return { state: 'running', owner };
  // It may have ended between the two looks.
  const late = readJson<JobExit>(join(folder, FILES.exit));
  if (late) return { state: 'done', owner, exit: late };
  return { state: 'unknown', owner, pid: owner && survivor(folder, owner) };
}

/** The command's process when it outlived its supervisor. */
function survivor(folder: string, owner: JobOwner): number | undefined {
  const command = readJson<JobCommand>(join(folder, FILES.command));
  if (!command || owner.bootId !== bootId()) return undefined;
  return isSameProcess(command.pid, command.startTime) ? command.pid : undefined;
}

interface EnsureOptions {
  /** The environment from which the command's is made; secrets are dropped. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * Starts the call's command unless it was begun before.
 * @throws CodedError JOB_START_FAILED when nothing was begun; the signal's reason when it fires before anything is known
 */
export async function ensureJob(
  jobsDir: string,
  key: string,
  spec: Omit<JobSpec, 'jobsDir' | 'name' | 'key'>,
  options: EnsureOptions,
): Promise<Exclude<JobState, { state: 'absent' }>> {
  const found = jobState(jobsDir, key);
  if (found.state === 'absent') await startSupervisor({ ...spec, jobsDir, name: jobName(key), key }, options);
  const deadline = Date.now() + OWNER_WAIT_MS;
  for (;;) {
    const now = jobState(jobsDir, key);
    if (now.state === 'absent') throw new CodedError('JOB_START_FAILED', `The folder of job ${jobName(key)} is gone.`);
    if (now.state !== 'unknown' || now.owner || Date.now() > deadline) return now;
    await sleep(50, undefined, { signal: options.signal });
  }
}

/** Resolves when the folder is there, whoever made it. */
async function startSupervisor(spec: JobSpec, { env, signal }: EnsureOptions): Promise<void> {
  try {
    await mkdir(spec.jobsDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw startFailed(messageOf(error), spec.jobsDir);
  }
  const child = spawn(process.execPath, [supervisorScript()], {
    cwd: spec.jobsDir,
    env: commandEnvironment(env),
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const state: { ended?: string } = {};
  let complaint = '';
  child.on('error', (error) => (state.ended = messageOf(error)));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8').slice(0, 2_000)));
  child.on('exit', (code, sig) => (state.ended = `its supervisor ended (${sig ?? code})`));
  // Where it dies at once, its pipe breaks: `ended` tells.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${JSON.stringify(spec)}\n`);
  const folder = join(spec.jobsDir, spec.name);
  try {
    while (!existsSync(folder)) {
      if (state.ended !== undefined) {
        if (existsSync(folder)) break;
        throw startFailed(complaint.trim() || state.ended, spec.jobsDir);
      }
      await sleep(START_POLL_MS, undefined, { signal });
    }
  } finally {
    // This process may end while the command goes on.
    child.unref();
    child.stderr.destroy();
  }
}

const startFailed = (why: string, jobsDir: string): CodedError =>
  new CodedError('JOB_START_FAILED', `The command was not started: ${why}.`, `Check that ${jobsDir} is writable and the disk is not full.`);

/**
 * Ends a job and its whole process group; a job that never began never will. Safe to repeat.
 * @returns what is known afterwards
 */
export async function killJob(jobsDir: string, key: string): Promise<JobState> {
  if (jobState(jobsDir, key).state === 'absent') await forbid(jobsDir, key);
  const before = jobState(jobsDir, key);
  if (before.state === 'unknown' && before.pid !== undefined) {
    signalQuietly(-before.pid, 'SIGKILL');
    return { ...before, pid: undefined };
  }
  if (before.state !== 'running') return before;
  await writeFile(join(jobFolder(jobsDir, key), FILES.cancel), '', { mode: 0o600 });
  const deadline = Date.now() + KILL_WAIT_MS;
  signalQuietly(before.owner.pid, 'SIGTERM');
  for (;;) {
    const now = jobState(jobsDir, key);
    if (now.state !== 'running' || Date.now() > deadline) return now;
    await sleep(10);
  }
}

/** Takes the folder's name, so that a supervisor which is still starting finds itself too late. */
async function forbid(jobsDir: string, key: string): Promise<void> {
  await mkdir(jobsDir, { recursive: true, mode: 0o700 });
  const aside = join(jobsDir, `.${jobName(key)}.forbid.${process.pid}.${Date.now()}`);
  await mkdir(aside, { mode: 0o700 });
  const exit: JobExit = { code: null, signal: null, timedOut: false, cancelled: true, endedAt: Date.now(), bytes: 0, error: 'cancelled before it began' };
  const file = await open(join(aside, FILES.exit), 'wx', 0o600);
  await file.writeFile(JSON.stringify(exit));
  await file.sync();
  await file.close();
  await rename(aside, jobFolder(jobsDir, key)).catch(() => rm(aside, { recursive: true, force: true }));
  await syncFolder(jobsDir);
}

interface ListedJob {
  readonly job: string;
  readonly state: JobState;
  readonly owner: JobOwner;
}

/** Background jobs of a session, oldest first. */
export async function listJobs(jobsDir: string, session: string): Promise<readonly ListedJob[]> {
  const names = await readdir(jobsDir).catch(() => []);
  const jobs: ListedJob[] = [];
  for (const name of names) {
    if (name.startsWith('.')) continue;
    const owner = readJson<JobOwner>(join(jobsDir, name, FILES.owner));
    if (owner?.background && owner.session === session) jobs.push({ job: name, owner, state: jobState(jobsDir, name) });
  }
  return jobs.sort((a, b) => a.owner.startedAt - b.owner.startedAt);
}

/**
 * Removes folders of jobs that ended before `before` (epoch milliseconds), and of starts that came to nothing.
 * The caller keeps `before` far behind any call that can still be retried: a removed folder means "never begun".
 */
export async function pruneJobs(jobsDir: string, before: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(jobsDir).catch(() => [])) {
    const folder = join(jobsDir, name);
    const exit = readJson<JobExit>(join(folder, FILES.exit));
    const ended = exit?.endedAt ?? (name.startsWith('.') ? (await stat(folder).catch(() => undefined))?.mtimeMs : undefined);
    if (ended === undefined || ended >= before) continue;
    await rm(folder, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

/** Removes what commands of these calls left; nobody may ask for them any more. One that still runs keeps its folder. */
export async function forgetJobs(jobsDir: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const { state } = jobState(jobsDir, key);
    if (state === 'done' || state === 'unknown') await rm(jobFolder(jobsDir, key), { recursive: true, force: true });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync();
  await handle.close();
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended by itself.
  }
}

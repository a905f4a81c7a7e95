/**
 * Watching a job until it ends.
 *
 * Invariant: the deltas, joined, are the output from its beginning up to the limit for watchers, each byte once; the
 * promise settles at the job's end or with the signal, and leaves the job alone either way.
 */
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { FILES, jobFolder, readJson, type JobOwner } from './job-files.js';
import { jobState, type JobState } from './jobs.js';
import { readPiece } from './output.js';

/** Notifications of the file system can be late or absent; this bounds the delay of a line and of the end. */
const POLL_MS = 50;
/** Elsewhere than on Linux, telling whether the supervisor lives starts a `ps`: not at every look. */
const LIVENESS_MS = process.platform === 'linux' ? 0 : 1_000;
/** A delta at most this long, so that none floods the event bus. */
const DELTA_BYTES = 64 * 1024;
/** Watchers read along; a command that prints megabytes has an output file for the rest. */
const WATCHED_BYTES = 512 * 1024;

export interface FollowOptions {
  readonly emit: (delta: string) => void;
  readonly signal: AbortSignal;
}

/** @throws the signal's reason, when it fires first */
export async function followJob(jobsDir: string, key: string, options: FollowOptions): Promise<Exclude<JobState, { state: 'absent' | 'running' }>> {
  const folder = jobFolder(jobsDir, key);
  const output = join(folder, FILES.output);
  let offset = 0;
  const show = (final: boolean): void => {
    while (offset < WATCHED_BYTES) {
      const piece = readPiece(output, offset, DELTA_BYTES, final);
      if (piece.next <= offset) return;
      options.emit(piece.text);
      offset = piece.next;
    }
    if (offset !== Infinity) options.emit('\n[more output than is shown live]\n');
    offset = Infinity;
  };
  const owner = readJson<JobOwner>(join(folder, FILES.owner));
  let looked = 0;
  const look = (): JobState => {
    const quick = owner && Date.now() - looked < LIVENESS_MS && !existsSync(join(folder, FILES.exit));
    if (quick) return { state: 'running', owner };
    looked = Date.now();
    return jobState(jobsDir, key);
  };
  const bell = makeBell(folder);
  try {
    for (;;) {
      options.signal.throwIfAborted();
      // The state first: what is written between the two looks is then shown after the end was seen, not lost.
      const now = look();
      const ended = now.state !== 'running';
      show(ended);
      if (now.state === 'absent') return { state: 'unknown', owner: undefined, pid: undefined };
      if (now.state !== 'running') return now;
      await bell.wait(options.signal);
    }
  } finally {
    bell.close();
  }
}

/** Wakes on a change in the folder, at the latest after the poll interval. */
function makeBell(folder: string): { wait(signal: AbortSignal): Promise<void>; close(): void } {
  let ring = (): void => undefined;
  let rung = false;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, () => {
      rung = true;
      ring();
    });
    watcher.on('error', () => undefined);
  } catch {
    // Out of watches: the poll alone does it.
  }
  return {
    wait: (signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          rung = false;
          resolve();
        };
        // A burst of writes is one look, not thousands.
        const timer = setTimeout(done, rung ? 5 : POLL_MS);
        ring = () => setTimeout(done, 5);
        signal.addEventListener('abort', done, { once: true });
      }),
    close: () => watcher?.close(),
  };
}

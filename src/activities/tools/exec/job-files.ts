/**
 * The names and shapes of the files in a job's folder, shared by the supervisor that writes them and the tools that
 * read them.
 *
 * Invariant: a folder `jobs/<name>/` exists only with its `owner.json` inside (both appear in one rename), so whoever
 * finds the folder knows that the call was begun and by whom; `exit.json` is the last file written and, once there,
 * never changes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../core/errors.js';

/** What a supervisor is told on its standard input. */
export interface JobSpec {
  readonly jobsDir: string;
  readonly name: string;
  readonly key: string;
  readonly session: string;
  /** As the model wrote it; for lists and reports only. */
  readonly command: string;
  /** Hash of what the call asked for: tells a retry from another call in the same place. */
  readonly asked: string;
  /** What is executed, without another shell around it. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Added to the supervisor's own environment, for the command alone. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds; 0 means none. */
  readonly timeoutMs: number;
  /** The command reads what is put into `input/`; otherwise its standard input is empty. */
  readonly background: boolean;
  /** Bytes of output kept on disk. */
  readonly maxBytes: number;
}

export interface JobOwner {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
  readonly key: string;
  readonly session: string;
  readonly command: string;
  /** As in {@link JobSpec}; jobs of earlier versions have none. */
  readonly asked?: string;
  readonly cwd: string;
  readonly background: boolean;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

export interface JobExit {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** Ended by {@link FILES.cancel}: somebody asked for it. A signal without it came from elsewhere, e.g. a shutdown. */
  readonly cancelled: boolean;
  /** Epoch milliseconds. */
  readonly endedAt: number;
  /** Bytes the command wrote, also those beyond the cap. */
  readonly bytes: number;
  /** Why the command could not be started at all. */
  readonly error?: string;
}

/** The command's own process, written after its start: only good for ending it when its supervisor is gone. */
export interface JobCommand {
  readonly pid: number;
  readonly startTime: string;
}

export const FILES = {
  owner: 'owner.json',
  command: 'command.json',
  exit: 'exit.json',
  output: 'output',
  input: 'input',
  /** In `input/`: the standard input ends here. */
  close: 'close',
  /** Its presence makes a SIGTERM to the supervisor a wanted cancellation. */
  cancel: 'cancel',
} as const;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The folder of a call key. `:` has a meaning in too many path lists to be in a path. */
export function jobName(key: string): string {
  const name = key.replaceAll(':', '-');
  if (!NAME.test(name)) throw new CodedError('INVALID_JOB', `Not a job: ${JSON.stringify(key.slice(0, 60))}.`);
  return name;
}

export const jobFolder = (jobsDir: string, key: string): string => join(jobsDir, jobName(key));

/** @returns undefined when the file is not there, or torn by a crash of the machine */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

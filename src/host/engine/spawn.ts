/**
 * One server process: start it detached, end it. Loads nothing of Temporal, so that a start can do this first.
 *
 * Invariant: the server shares nothing with the gateway that the gateway's death could take away: its own session, its
 * output on a file, no pipe, and none of the gateway's keys in its environment.
 */
import { execFile, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { messageOf } from '../../core/errors.js';
import { bootId, processStartTime } from '../../storage/process.js';
import { HostError } from '../errors.js';
import { serverFlags } from './flags.js';
import { closeLog, logPath, logSize, logTail, openLog } from './log.js';
import { accepts, LOOPBACK } from './ports.js';
import { isRunning, pidFilePath, SELF_RECORDING_SHELL, writeRecord, type ProcessIdentity, type ServerRecord } from './record.js';
import type { EnginePorts, EngineSettings } from './types.js';

/** SIGTERM closes the server in well under a second; past this it hangs. */
const TERM_LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 25;
/** All the server needs; API keys and tokens of the gateway stay out of it. */
const ENVIRONMENT = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SSL_CERT_FILE', 'SSL_CERT_DIR'] as const;

/** What an executable says of itself, and which file that was. */
export interface CliVersion {
  /** The first line of `temporal --version`. */
  readonly version: string;
  readonly cli?: string;
}

/** Asks the executable, unless it is the file that `known` was asked of. @throws HostError ENGINE_CLI_MISSING when it does not run or is another program. */
export async function cliVersion(cliPath: string, known?: CliVersion): Promise<CliVersion> {
  const file = statSync(cliPath, { throwIfNoEntry: false });
  const cli = file && `${cliPath} ${file.size} ${file.mtimeMs}`;
  if (known && cli !== undefined && known.cli === cli) return { version: known.version, cli };
  const advice = 'Set OPENCLAW_TEMPORAL_CLI to a working one, or unset it and start again to fetch one.';
  let version: string;
  try {
    const { stdout } = await promisify(execFile)(cliPath, ['--version'], { timeout: 30_000 });
    version = stdout.trim().split('\n')[0] ?? '';
  } catch (error) {
    throw new HostError('ENGINE_CLI_MISSING', `The temporal CLI at ${cliPath} does not run: ${messageOf(error).split('\n')[0]}`, advice);
  }
  if (/^temporal version/i.test(version)) return { version, ...(cli === undefined ? {} : { cli }) };
  throw new HostError('ENGINE_CLI_MISSING', `${cliPath} is not the temporal CLI (it says: ${version.slice(0, 60)})`, advice);
}

export interface Spawned {
  readonly record: ServerRecord;
  /** Why it ended by itself; open as long as it runs. */
  readonly ended: Promise<string>;
  /** When its port was first seen to accept a connection. */
  readonly accepting: Promise<number>;
  /** Where its part of the log begins. */
  readonly logStart: number;
}

/** Starts a server on `ports` and records it; whether it answers is another matter. */
export async function spawnServer(options: EngineSettings, ports: EnginePorts, { version, cli }: CliVersion): Promise<Spawned> {
  const { stateDir } = options;
  const flags = serverFlags(options, ports);
  const boot = bootId();
  const logStart = logSize(stateDir);
  const log = openLog(stateDir);
  const environment = Object.fromEntries(ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  const child = spawn('/bin/sh', ['-c', SELF_RECORDING_SHELL, 'sh', pidFilePath(stateDir), boot, options.cliPath, ...flags], {
    detached: true,
    stdio: ['ignore', log, log],
    env: environment,
  });
  closeLog(log);
  child.unref();
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `it ended with code ${code}` : `${KILLED} ${signal}`));
  });
  const startTime = child.pid === undefined ? undefined : processStartTime(child.pid);
  if (child.pid === undefined || startTime === undefined) throw startFailed(options, await ended, logStart);
  const record: ServerRecord = { pid: child.pid, startTime, bootId: boot, ports, version, ...(cli === undefined ? {} : { cli }), flags };
  writeRecord(stateDir, record);
  return { record, ended, accepting: whenAccepting(record), logStart };
}

/** Never, when it ends before. */
async function whenAccepting(record: ServerRecord): Promise<number> {
  for (; isRunning(record); await sleep(LOOK_EVERY_MS)) if (await accepts(record.ports.grpc)) return Date.now();
  return new Promise(() => undefined);
}

/** SIGTERM, and SIGKILL when that was not enough; only ever to the very process that is recorded. */
export async function end(identity: ProcessIdentity): Promise<void> {
  for (const [signal, limit] of [['SIGTERM', TERM_LIMIT_MS], ['SIGKILL', TERM_LIMIT_MS]] as const) {
    if (!isRunning(identity)) return;
    try {
      process.kill(identity.pid, signal);
    } catch {
      return; // it ended between the look and the signal
    }
    const giveUp = Date.now() + limit;
    while (Date.now() < giveUp && isRunning(identity)) await sleep(25);
  }
}

export const addressOf = (ports: EnginePorts): string => `${LOOPBACK}:${ports.grpc}`;

const KILLED = 'it was ended by';

/** Somebody else ended the server while it started: nothing is wrong with it. */
export const wasKilled = (error: unknown): boolean => error instanceof HostError && String(error.details?.['reason']).startsWith(KILLED);

export function startFailed(options: EngineSettings, reason: string, logStart: number): HostError {
  const tail = logTail(options.stateDir, logStart);
  return new HostError(
    'ENGINE_START_FAILED',
    `The embedded Temporal server did not start: ${reason}.${tail === '' ? '' : ` Its last words: ${tail}`}`,
    `Read ${logPath(options.stateDir)}; temporal.port and temporal.uiPort choose other ports.`,
    { reason },
  );
}

/**
 * One server process: launch it detached, see whether it answers, end it.
 *
 * Invariant: the server shares nothing with the gateway that the gateway's death could take away: its own session, its
 * output on a file, no pipe, and none of the gateway's keys in its environment.
 */
import { execFile, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { Connection } from '@temporalio/client';

import { messageOf } from '../../core/errors.js';
import { bootId, processStartTime } from '../../storage/process.js';
import { HostError } from '../errors.js';
import { serverFlags } from './flags.js';
import { closeLog, logPath, logSize, logTail, openLog } from './log.js';
import { accepts, LOOPBACK } from './ports.js';
import { isRunning, pidFilePath, SELF_RECORDING_SHELL, writeRecord, type ProcessIdentity, type ServerRecord } from './record.js';
import type { EngineOptions, EnginePorts } from './types.js';

/** SIGTERM closes the server in well under a second; past this it hangs. */
const TERM_LIMIT_MS = 10_000;
/** A first start creates the schema: 1 s on an idle machine, far more on a small one under load. */
const READY_LIMIT_MS = 60_000;
/** All the server needs; API keys and tokens of the gateway stay out of it. */
const ENVIRONMENT = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SSL_CERT_FILE', 'SSL_CERT_DIR'] as const;

/** The first line of `temporal --version`. @throws HostError ENGINE_CLI_MISSING when the file does not run or is another program. */
export async function cliVersion(cliPath: string): Promise<string> {
  const advice = 'Set OPENCLAW_TEMPORAL_CLI to a working one, or unset it and start again to fetch one.';
  let version: string;
  try {
    const { stdout } = await promisify(execFile)(cliPath, ['--version'], { timeout: 30_000 });
    version = stdout.trim().split('\n')[0] ?? '';
  } catch (error) {
    throw new HostError('ENGINE_CLI_MISSING', `The temporal CLI at ${cliPath} does not run: ${messageOf(error).split('\n')[0]}`, advice);
  }
  if (/^temporal version/i.test(version)) return version;
  throw new HostError('ENGINE_CLI_MISSING', `${cliPath} is not the temporal CLI (it says: ${version.slice(0, 60)})`, advice);
}

const KILLED = 'it was ended by';

/** Somebody else ended the server while it started: nothing is wrong with it. */
export const wasKilled = (error: unknown): boolean => error instanceof HostError && String(error.details?.['reason']).startsWith(KILLED);

/** Starts a server on `ports`, records it, and resolves when it answers. */
export async function launch(options: EngineOptions, ports: EnginePorts, version: string): Promise<ServerRecord> {
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
  const failed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `it ended with code ${code}` : `${KILLED} ${signal}`));
  });
  const startTime = child.pid === undefined ? undefined : processStartTime(child.pid);
  if (child.pid === undefined || startTime === undefined) throw startFailed(options, await failed, logStart);
  const record: ServerRecord = { pid: child.pid, startTime, bootId: boot, ports, version, flags };
  writeRecord(stateDir, record);

  const ready = await Promise.race([untilAnswers(record, READY_LIMIT_MS), failed]);
  // Another server may answer on this port while ours gives up on it: ours must still be there a moment later.
  if (ready === true) await sleep(100);
  if (ready === true && isRunning(record)) return record;
  const reason = typeof ready === 'string' ? ready : isRunning(record) ? 'it does not answer' : await failed;
  await end(record);
  throw startFailed(options, reason, logStart);
}

/** Does a server answer health checks at `ports.grpc`? */
export async function answers(ports: EnginePorts, limitMs: number): Promise<boolean> {
  if (!(await accepts(ports.grpc))) return false;
  try {
    const connection = await Connection.connect({ address: addressOf(ports), connectTimeout: limitMs });
    try {
      const health = connection.healthService.check({ service: 'temporal.api.workflowservice.v1.WorkflowService' });
      return (await connection.withDeadline(Date.now() + limitMs, () => health)).status === 1; // SERVING
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** Waits for a recorded process to answer; false when it ended or `limitMs` passed. */
export async function untilAnswers(record: ServerRecord, limitMs: number): Promise<boolean> {
  const giveUp = Date.now() + limitMs;
  while (Date.now() < giveUp && isRunning(record)) {
    if (await answers(record.ports, 2_000)) return true;
    await sleep(50);
  }
  return false;
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

function startFailed(options: EngineOptions, reason: string, logStart: number): HostError {
  const tail = logTail(options.stateDir, logStart);
  return new HostError(
    'ENGINE_START_FAILED',
    `The embedded Temporal server did not start: ${reason}.${tail === '' ? '' : ` Its last words: ${tail}`}`,
    `Read ${logPath(options.stateDir)}; temporal.port and temporal.uiPort choose other ports.`,
    { reason },
  );
}

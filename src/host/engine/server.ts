/**
 * One server process that answers: launch it and wait, see whether one does.
 *
 * Invariant: a server that was launched here either answers or is ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { Connection } from '@temporalio/client';

import { accepts } from './ports.js';
import { isRunning, type ServerRecord } from './record.js';
import { addressOf, end, spawnServer, startFailed, type CliVersion, type Spawned } from './spawn.js';
import type { EnginePorts, EngineSettings } from './types.js';

/** A first start creates the schema: 1 s on an idle machine, far more on a small one under load. */
const READY_LIMIT_MS = 60_000;
const GIVES_UP_MS = 100;

/** Starts a server on `ports`, records it, and resolves when it answers. */
export async function launch(options: EngineSettings, ports: EnginePorts, version: CliVersion): Promise<ServerRecord> {
  return untilReady(options, await spawnServer(options, ports, version));
}

/** Resolves when a started server answers. @throws HostError ENGINE_START_FAILED when it does not; it is ended then */
export async function untilReady(options: EngineSettings, { record, ended, accepting, logStart }: Spawned): Promise<ServerRecord> {
  const ready = await Promise.race([accepting.then(() => untilAnswers(record, READY_LIMIT_MS)), sleep(READY_LIMIT_MS, false, { ref: false }), ended]);
  // Another server may answer on this port while ours gives up on it: ours must still be there a moment later.
  if (ready === true) await sleep(Math.max(0, GIVES_UP_MS - (Date.now() - (await accepting))));
  if (ready === true && isRunning(record)) return record;
  const reason = typeof ready === 'string' ? ready : isRunning(record) ? 'it does not answer' : await ended;
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

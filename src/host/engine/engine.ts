/**
 * The embedded Temporal server of one installation: adopted or started, watched, restarted.
 *
 * Invariants:
 * - It outlives the gateway. A gateway that stops or crashes leaves it running, the next one adopts it.
 * - It is adopted only when process, boot, version, flags and the install id in its namespace all match.
 * - A process that is not the recorded one is never signalled; it keeps its port and the server takes another.
 * - After a crash the server returns on the same ports, so that workers and clients reconnect by themselves.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { Connection } from '@temporalio/client';

import { messageOf } from '../../core/errors.js';
import type { Begun } from './begin.js';
import { serverFlags, UI_PATH, withoutPorts } from './flags.js';
import { prepareNamespace, readOwner } from './namespace.js';
import { choosePorts, isFree, LOOPBACK } from './ports.js';
import { isRunning, prepareFolder, readPidFile, readRecord, removeRecords, type ServerRecord } from './record.js';
import { launch, untilAnswers, untilReady } from './server.js';
import { addressOf, cliVersion, end, wasKilled, type CliVersion } from './spawn.js';
import type { Engine, EngineOptions, EnginePorts } from './types.js';
import { watch } from './watch.js';

/** A recorded server may be starting still (its gateway was killed at once): it gets this long to answer. */
const ADOPT_LIMIT_MS = 10_000;
/** Of installations that start at once, some lose a port between look and bind: they look again, not in step. */
const LAUNCH_ATTEMPTS = 5;
const LOOK_AGAIN_MS = 500;

/**
 * @param begun a server that this start began already
 * @throws HostError ENGINE_CLI_MISSING, ENGINE_START_FAILED, NAMESPACE_OWNED
 */
export async function startEngine(options: EngineOptions, begun?: Begun): Promise<Engine> {
  prepareFolder(options.stateDir);
  for (const line of begun?.said ?? []) options.log(...line);
  const version = await cliVersion(options.cliPath, begun?.spawned.record ?? readRecord(options.stateDir));
  const { record, adopted } = await untilPrepared(options, version, begun);
  options.log('info', adopted ? 'took over the running Temporal server' : 'started the Temporal server', {
    pid: record.pid,
    address: addressOf(record.ports),
  });

  const watching = watch(options, record, version);
  return {
    address: addressOf(record.ports),
    uiUrl: `http://${LOOPBACK}:${record.ports.ui}${UI_PATH}`,
    ports: record.ports,
    adopted,
    get pid() {
      return watching.current().pid;
    },
    replaced: watching.replaced,
    onDown: watching.onDown,
    onUp: watching.onUp,
    release: watching.release,
    stop: async () => {
      await watching.settle();
      await end(watching.current());
      removeRecords(options.stateDir);
    },
  };
}

/** A server that is killed under its start is started again: what watches it later does not watch it yet. */
async function untilPrepared(options: EngineOptions, version: CliVersion, begun: Begun | undefined): Promise<{ readonly record: ServerRecord; readonly adopted: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    // One that lost its port or was killed is nothing special: the usual way starts another, or says why not.
    const own = begun && attempt === 1 ? await untilReady(options, begun.spawned).catch(() => undefined) : undefined;
    const recorded = readRecord(options.stateDir);
    const adopted = !own && recorded !== undefined && (await isAdoptable(recorded, options, version.version));
    if (!own && !adopted) await endPrevious(options, recorded);
    const record = own ?? (adopted ? recorded : await launchSomewhere(options, recorded, version));
    try {
      await prepare(record, options);
      return { record, adopted };
    } catch (error) {
      if (!isRunning(record) && attempt < LAUNCH_ATTEMPTS) continue;
      if (!adopted) await end(record); // nobody would watch it
      throw error;
    }
  }
}

async function prepare(record: ServerRecord, options: EngineOptions): Promise<void> {
  const connection = await Connection.connect({ address: addressOf(record.ports), connectTimeout: '10s' });
  try {
    await prepareNamespace(connection, options);
  } finally {
    await connection.close();
  }
}

/** Where the embedded server of this state directory answers, when it runs. */
export function recordedAddress(stateDir: string): string | undefined {
  const record = readRecord(stateDir);
  return record && isRunning(record) ? addressOf(record.ports) : undefined;
}

/** Ends this state directory's server if one runs, without a gateway. Returns its pid. */
export async function stopRecordedEngine(stateDir: string): Promise<number | undefined> {
  const running = [readRecord(stateDir), readPidFile(stateDir)].find((identity) => identity !== undefined && isRunning(identity));
  if (running === undefined) return undefined;
  await end(running);
  removeRecords(stateDir);
  return running.pid;
}

async function isAdoptable(record: ServerRecord, options: EngineOptions, version: string): Promise<boolean> {
  if (!isRunning(record) || record.version !== version) return false;
  if (options.portsExplicit.grpc && record.ports.grpc !== options.ports.grpc) return false;
  if (options.portsExplicit.ui && record.ports.ui !== options.ports.ui) return false;
  const wanted = withoutPorts(serverFlags(options, record.ports));
  const found = withoutPorts(record.flags);
  if (wanted.length !== found.length || wanted.some((flag, i) => flag !== found[i])) return false;
  if (!(await untilAnswers(record, ADOPT_LIMIT_MS))) return false;
  return (await ownerAt(record.ports, options.namespace)) === options.installId;
}

async function ownerAt(ports: EnginePorts, namespace: string): Promise<string | undefined> {
  const connection = await Connection.connect({ address: addressOf(ports), connectTimeout: '5s' });
  try {
    return await readOwner(connection, namespace);
  } catch {
    return undefined; // a server that cannot describe its namespace is not one to adopt
  } finally {
    await connection.close();
  }
}

async function endPrevious(options: EngineOptions, recorded: ServerRecord | undefined): Promise<void> {
  const self = readPidFile(options.stateDir);
  for (const identity of [recorded, self]) {
    if (identity === undefined || !isRunning(identity)) continue;
    options.log('info', 'ending a Temporal server of an earlier start', { pid: identity.pid });
    await end(identity);
  }
}

async function launchSomewhere(options: EngineOptions, recorded: ServerRecord | undefined, version: CliVersion): Promise<ServerRecord> {
  for (let attempt = 1; ; attempt += 1) {
    const ports = await choosePorts(options, recorded?.ports);
    try {
      return await launch(options, ports, version);
    } catch (error) {
      // Two that each took one port of the other have both ended, and both ports are free again: only the log tells.
      const portsLost = /address already in use/i.test(messageOf(error)) || !(await isFree(ports.grpc)) || !(await isFree(ports.ui));
      if ((!portsLost && !wasKilled(error)) || attempt === LAUNCH_ATTEMPTS) throw error;
      await sleep(Math.random() * LOOK_AGAIN_MS);
    }
  }
}

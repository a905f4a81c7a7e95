/**
 * The embedded server's process, started before anything of Temporal is loaded: it comes up while the gateway loads.
 *
 * Invariant: a process is begun only where none of this state directory runs. One that runs is adopted or ended by
 * `startEngine`, which needs to talk to it for that.
 */
import { choosePorts } from './ports.js';
import { isRunning, prepareFolder, readPidFile, readRecord } from './record.js';
import { cliVersion, spawnServer, type Spawned } from './spawn.js';
import type { EngineSettings, Log } from './types.js';

export interface Begun {
  readonly spawned: Spawned;
  /** For a log that is not open yet. */
  readonly said: readonly Parameters<Log>[];
}

/** `undefined` when one runs already, or when it could not be started: `startEngine` meets that again and says it. */
export async function beginEngine(settings: EngineSettings): Promise<Begun | undefined> {
  const { stateDir, cliPath } = settings;
  try {
    const recorded = readRecord(stateDir);
    if ([recorded, readPidFile(stateDir)].some((identity) => identity !== undefined && isRunning(identity))) return undefined;
    prepareFolder(stateDir);
    const version = await cliVersion(cliPath, recorded);
    const said: Parameters<Log>[] = [];
    const ports = await choosePorts({ ...settings, log: (...line) => void said.push(line) }, recorded?.ports);
    return { spawned: await spawnServer(settings, ports, version), said };
  } catch {
    return undefined;
  }
}

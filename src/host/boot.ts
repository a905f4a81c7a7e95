/**
 * The first moment of `openclaw gateway`: the lock, and the engine's process, which comes up on another core while
 * everything else is loaded.
 *
 * Invariants: nothing is begun without the lock of the state directory, and a start that fails leaves nothing running
 * that it began; this file loads neither Temporal's client and worker nor what `gateway.ts` needs.
 */
import type { Config } from '../core/schema/config.js';
import { type PathOptions, loadConfig } from '../storage/config/index.js';
import { type HeldLock, holdLock } from '../storage/sqlite.js';
import { type Begun, beginEngine } from './engine/begin.js';
import { presentTemporalCli } from './engine/cli.js';
import { end } from './engine/spawn.js';
import { engineSettings, externalOf } from './engine-settings.js';
import { prepareStateDir } from './state-dir.js';

export interface GatewayRunOptions extends PathOptions {
  readonly port?: number;
  readonly logLevel?: string;
}

export interface BootedOptions extends GatewayRunOptions {
  /** Released by the gateway as the last of all. */
  readonly lock: HeldLock;
  readonly begun: Begun | undefined;
}

/** Runs until SIGTERM or Ctrl-C. @returns the exit code. @throws CodedError when it cannot start, with what to do */
export async function bootGateway(options: GatewayRunOptions): Promise<number> {
  const paths = prepareStateDir(options);
  const { config } = loadConfig(options);
  const lock = holdLock(paths.lock);
  const begun = await begin(options, config, paths.stateDir).catch(() => undefined);
  try {
    const { runGateway } = await import('./gateway.js');
    return await runGateway({ ...options, lock, begun });
  } catch (error) {
    if (begun) await end(begun.spawned.record);
    throw error;
  }
}

/** Whatever is wrong or missing here, the gateway meets again, with a log and a door to say it; a fetch of the CLI is its too. */
async function begin({ env }: GatewayRunOptions, config: Config, stateDir: string): Promise<Begun | undefined> {
  if (externalOf(env, config)) return undefined;
  const cliPath = await presentTemporalCli(env);
  return cliPath === undefined ? undefined : beginEngine(engineSettings(env, config, stateDir, cliPath));
}

/**
 * Which Temporal is used when it is not the embedded one, and how to connect to it.
 *
 * Invariant: only TEMPORAL_ADDRESS, TEMPORAL_PROFILE or `temporal.address` choose another Temporal. A profile file that
 * merely exists (the temporal CLI writes one) changes nothing: otherwise a person's sessions would move to some server
 * because they once used the CLI at work.
 */
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';

import { messageOf } from '../../core/errors.js';
import { DEFAULT_NAMESPACE } from '../../core/names.js';
import { HostError } from '../errors.js';

export type ConnectOptions = ClientConnectConfig['connectionOptions'];

export interface TemporalConfig {
  /** `temporal.address` */
  readonly address?: string | undefined;
  /** `temporal.namespace`, only when written in the configuration. */
  readonly namespace?: string | undefined;
}

export interface ExternalTemporal {
  /** Fits `Connection.connect` and `NativeConnection.connect`: address, TLS, API key, metadata. */
  readonly connectionOptions: ConnectOptions;
  readonly namespace: string;
  /** What chose it, for the start banner. */
  readonly source: 'TEMPORAL_ADDRESS' | 'TEMPORAL_PROFILE' | 'temporal.address';
}

/**
 * The other Temporal, or `undefined` for the embedded one. Environment wins over configuration; TLS, keys and metadata come
 * from the TEMPORAL_* variables that Temporal's own tools read.
 * @throws HostError TEMPORAL_CONFIG when the named profile cannot be read.
 */
export function externalTemporal(env: NodeJS.ProcessEnv, config: TemporalConfig): ExternalTemporal | undefined {
  const source = env['TEMPORAL_ADDRESS'] ? 'TEMPORAL_ADDRESS' : env['TEMPORAL_PROFILE'] ? 'TEMPORAL_PROFILE' : config.address ? 'temporal.address' : undefined;
  if (source === undefined) return undefined;
  const loaded = load(env);
  const address = source === 'temporal.address' ? config.address : loaded.connectionOptions.address;
  if (!address) {
    throw new HostError('TEMPORAL_CONFIG', `The Temporal profile "${env['TEMPORAL_PROFILE']}" names no address.`, 'Add one with: temporal config set, or set TEMPORAL_ADDRESS.');
  }
  return {
    connectionOptions: { ...loaded.connectionOptions, address },
    namespace: env['TEMPORAL_NAMESPACE'] || config.namespace || loaded.namespace || DEFAULT_NAMESPACE,
    source,
  };
}

function load(env: NodeJS.ProcessEnv): ClientConnectConfig {
  const overrideEnvVars = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  try {
    return loadClientConnectConfig({ overrideEnvVars, disableFile: !env['TEMPORAL_PROFILE'] });
  } catch (error) {
    throw new HostError('TEMPORAL_CONFIG', `Temporal's settings cannot be read: ${messageOf(error)}`, 'Check TEMPORAL_PROFILE and the file that TEMPORAL_CONFIG_FILE names.');
  }
}

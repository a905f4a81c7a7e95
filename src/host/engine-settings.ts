/**
 * What config and environment say of the embedded server. Loads nothing of Temporal's client: a start reads it first.
 */
import type { Config } from '../core/schema/config.js';
import { DEFAULT_NAMESPACE } from '../core/names.js';
import { type ExternalTemporal, externalTemporal } from './engine/external.js';
import type { EngineSettings } from './engine/types.js';

export const DEFAULT_PORTS = { grpc: 7233, ui: 8233 } as const;

/** A Temporal of somebody else's, when environment or config name one: then there is no embedded server. */
export const externalOf = (env: NodeJS.ProcessEnv, config: Config): ExternalTemporal | undefined =>
  externalTemporal(env, { address: config.temporal.address, namespace: config.temporal.namespace === DEFAULT_NAMESPACE ? undefined : config.temporal.namespace });

export function engineSettings(env: NodeJS.ProcessEnv, config: Config, stateDir: string, cliPath: string): EngineSettings {
  return {
    stateDir,
    cliPath,
    ports: { grpc: config.temporal.port ?? DEFAULT_PORTS.grpc, ui: config.temporal.uiPort ?? DEFAULT_PORTS.ui },
    portsExplicit: { grpc: config.temporal.port !== undefined, ui: config.temporal.uiPort !== undefined },
    synchronous: config.temporal.synchronous,
    retentionDays: config.temporal.retentionDays,
    namespace: config.temporal.namespace,
    dynamicConfig: extraDynamicConfig(env),
  };
}

/** `key=value,…`: server settings for tests and experiments, e.g. lower history limits. */
function extraDynamicConfig(env: NodeJS.ProcessEnv): Record<string, string | number | boolean> {
  const pairs = (env['OPENCLAW_TEMPORAL_DYNAMIC_CONFIG'] ?? '').split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf('=');
    const value = pair.slice(at + 1);
    return [pair.slice(0, at), /^\d+$/.test(value) ? Number(value) : value === 'true' ? true : value === 'false' ? false : value];
  }));
}

/**
 * The command line of the embedded server.
 *
 * Invariant: everything that changes how the server runs is in these flags, and the flags are part of `server.json`:
 * a running server with other flags is never adopted.
 */
import { join } from 'node:path';

import { LOOPBACK } from './ports.js';
import type { EnginePorts, EngineSettings } from './types.js';

/**
 * Server settings for one person's machine.
 * - Poll rates: the default of 20 queue polls a second makes every third workflow task of a busy session wait 40 ms.
 * - One partition: several only help above thousands of tasks a second and delay single ones.
 * - Fairness: one busy session must not starve the others.
 */
export const DYNAMIC_CONFIG: Readonly<Record<string, string | number | boolean>> = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
  'matching.enableFairness': true,
};

/** The Web UI's base path, so that the gateway can pass it through under its own port. */
export const UI_PATH = '/temporal';

export const databasePath = (stateDir: string): string => join(stateDir, 'temporal', 'temporal.db');

export function serverFlags(options: EngineSettings, ports: EnginePorts): readonly string[] {
  const settings = { ...DYNAMIC_CONFIG, ...options.dynamicConfig };
  return [
    'server', 'start-dev',
    // No login and no TLS: never anything but loopback, for the Web UI too.
    '--ip', LOOPBACK, '--port', String(ports.grpc), '--ui-ip', LOOPBACK, '--ui-port', String(ports.ui),
    '--ui-public-path', UI_PATH, '--ui-disable-news-fetch',
    '--db-filename', databasePath(options.stateDir),
    // Without WAL a signal takes 21 ms instead of 3.
    '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', `synchronous=${options.synchronous.toUpperCase()}`,
    ...Object.entries(settings).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]),
    '--log-level', 'warn', '--log-format', 'json',
  ];
}

/** Flags without the ports: what must be equal for a running server to be adopted when its ports are acceptable. */
export const withoutPorts = (flags: readonly string[]): readonly string[] =>
  flags.filter((_, i) => !/^--(ui-)?port$/.test(flags[i] ?? '') && !/^--(ui-)?port$/.test(flags[i - 1] ?? ''));

/** The pairing activities' world, in whichever process: the real release; a session is a file that each signal is a line of. */
import { appendFileSync } from 'node:fs';
import type { PairingDeps } from '../../src/activities/pairing.js';
import { mainSessionKey } from '../../src/core/session-key.js';
import { pairingDeps } from '../../src/host/people.js';
import type { SessionEngine } from '../../src/sessions/engine.js';
import { createRelease } from '../../src/sessions/release.js';
import { parseConfig } from '../../src/storage/config/index.js';
import type { Db } from '../../src/storage/sqlite.js';

export type RawConfig = Readonly<Record<string, unknown>>;
export const configOf = (raw: RawConfig) => parseConfig(JSON.stringify(raw), 'openclaw.json', {}).config;

const quiet = (): void => undefined;
export const LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export interface LobbyOptions {
  readonly db: Db;
  /** Where signals are written down. */
  readonly signals: string;
  readonly config: () => RawConfig;
  readonly away?: () => boolean;
  /** Called around each signal: a test may end the process there. */
  readonly around?: (when: 'before' | 'after') => void | Promise<void>;
}

export function lobbyDeps({ db, signals, config, away, around }: LobbyOptions): PairingDeps {
  const deliver: SessionEngine['deliver'] = async (_, { inboundId }) => {
    if (away?.()) throw new Error('the engine is away');
    await around?.('before');
    appendFileSync(signals, `${inboundId}\n`);
    await around?.('after');
  };
  const nothingElse = (): never => {
    throw new Error('pairing only delivers');
  };
  const engine: SessionEngine = { deliver, stop: nothingElse, decided: nothingElse, isRunning: nothingElse, condition: nothingElse, terminate: nothingElse, runningSessions: nothingElse, view: nothingElse };
  return pairingDeps({
    db, config: () => configOf(config()),
    release: createRelease({ db, engine, events: { publish: quiet, subscribe: () => quiet }, log: LOG, sessionOf: (_, { role, id }) => (role === 'owner' ? mainSessionKey('main') : `agent:main:direct:${id}`) }),
    deliveries: { wake: async () => undefined },
  });
}

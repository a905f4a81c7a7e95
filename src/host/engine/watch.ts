/**
 * Keeps the embedded server alive while a gateway runs.
 *
 * Invariant: there is one restart at a time, on the same ports, and only after the old process is gone: two servers
 * on one database would destroy it.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../../core/errors.js';
import { rotateLog } from './log.js';
import { becomeFree } from './ports.js';
import { isRunning, type ServerRecord } from './record.js';
import { answers, launch } from './server.js';
import { end, type CliVersion } from './spawn.js';
import type { EngineOptions } from './types.js';

const LOOK_EVERY_MS = 1_000;
/** Health is a gRPC call, the process a look: ask less often. */
const HEALTH_EVERY_LOOKS = 5;
/** A machine that swaps or wakes up answers late; killing a server that only needed time would make it worse. */
const HUNG_AFTER_FAILURES = 6;
const LOG_CHECK_EVERY_LOOKS = 60;
/** First restart at once, then slower: a server that cannot start must not eat the machine. */
const BACK_OFF_MS = [0, 500, 1_000, 2_000, 5_000, 10_000, 30_000] as const;
/** Up for this long counts as recovered. */
const STABLE_MS = 60_000;
const PORTS_LIMIT_MS = 15_000;
/** A killed server's connections break a moment before its process is gone. */
const DYING_MS = 1_000;
/** Longer than a server needs to come back, also on a machine that is busy with its first start. */
const REPLACED_LIMIT_MS = 90_000;

export interface Watching {
  /** The server as last started. */
  readonly current: () => ServerRecord;
  /** As the engine's. */
  readonly replaced: (pid: number) => Promise<boolean>;
  readonly onDown: (callback: (reason: string) => void) => void;
  readonly onUp: (callback: () => void) => void;
  /** Ends watching at once; the server, or the start of one that is under way, goes on by itself. */
  readonly release: () => void;
  /** Ends watching and resolves when no restart is under way any more, so that `current` is the last word. */
  readonly settle: () => Promise<void>;
}

export function watch(options: EngineOptions, first: ServerRecord, version: CliVersion): Watching {
  const down: ((reason: string) => void)[] = [];
  const up: (() => void)[] = [];
  const stopping = new AbortController();
  let record = first;

  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);

  async function loop(): Promise<void> {
    let looks = 0;
    let failures = 0;
    while (!stopping.signal.aborted) {
      await pause(LOOK_EVERY_MS);
      if (stopping.signal.aborted) return;
      looks += 1;
      if (looks % LOG_CHECK_EVERY_LOOKS === 0) rotateLog(options.stateDir);
      if (!isRunning(record)) {
        await restart('its process ended');
        failures = 0;
      } else if (looks % HEALTH_EVERY_LOOKS === 0) {
        failures = (await answers(record.ports, 4_000)) ? 0 : failures + 1;
        if (failures < HUNG_AFTER_FAILURES) continue;
        await restart('it no longer answers');
        failures = 0;
      }
    }
  }

  let attempt = 0;
  let startedAt = Date.now();
  async function restart(reason: string): Promise<void> {
    options.log('warn', 'the Temporal server is down, starting it again', { reason, pid: record.pid });
    for (const callback of down) callback(reason);
    if (Date.now() - startedAt > STABLE_MS) attempt = 0;
    while (!stopping.signal.aborted) {
      await pause(BACK_OFF_MS[Math.min(attempt, BACK_OFF_MS.length - 1)] ?? 0);
      attempt += 1;
      if (stopping.signal.aborted) return;
      try {
        await end(record);
        // A port freed this very moment can still refuse to be bound; a foreign process on it we can only wait for.
        if (!(await becomeFree([record.ports.grpc, record.ports.ui], PORTS_LIMIT_MS))) {
          options.log('error', 'the ports of the Temporal server are taken by another process', { ports: record.ports });
          continue;
        }
        record = await launch(options, record.ports, version);
        startedAt = Date.now();
        options.log('info', 'the Temporal server is back', { pid: record.pid });
        for (const callback of up) callback();
        return;
      } catch (error) {
        options.log('error', 'the Temporal server could not be restarted', { error: messageOf(error) });
      }
    }
  }

  const running = loop().catch((error: unknown) => {
    options.log('error', 'watching the Temporal server failed', { error: messageOf(error) });
  });
  /** Waits for the condition; false when it did not come true. */
  async function until(limitMs: number, condition: () => boolean): Promise<boolean> {
    for (const giveUp = Date.now() + limitMs; !condition(); await pause(50)) if (stopping.signal.aborted || Date.now() > giveUp) return false;
    return true;
  }

  return {
    current: () => record,
    replaced: async (pid) => (await until(DYING_MS, () => record.pid !== pid || !isRunning(record))) && until(REPLACED_LIMIT_MS, () => record.pid !== pid),
    onDown: (callback) => void down.push(callback),
    onUp: (callback) => void up.push(callback),
    release: () => stopping.abort(),
    settle: async () => {
      stopping.abort();
      await running;
    },
  };
}

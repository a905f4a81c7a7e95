/**
 * The sweeper: signals rows that nobody works on, at start and every minute. It makes `accepted` mean `answered` when
 * the process died between row and signal, when the engine was away, or when a workflow vanished.
 */
import { messageOf } from '../core/errors.js';
import { TIMINGS } from '../core/names.js';
import { sweepable } from '../storage/inbound.js';
import { type IntakeDeps, signal } from './intake.js';

export interface Sweeper {
  /** One pass. @returns how many rows were signalled */
  sweep(): Promise<number>;
  start(): void;
  stop(): Promise<void>;
}

/** After a failed pass the next one comes sooner: the engine may be back at any second. */
const RETRY_MS = 2_000;

export function createSweeper(deps: Pick<IntakeDeps, 'db' | 'engine' | 'log'>, options: { readonly everyMs?: number; readonly staleMs?: number } = {}): Sweeper {
  const everyMs = options.everyMs ?? TIMINGS.sweepEvery;
  const staleMs = options.staleMs ?? TIMINGS.sweepEvery;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let passing: Promise<void> = Promise.resolve();

  async function sweep(): Promise<number> {
    const rows = await sweepable(deps.db, Date.now() - staleMs);
    const running = new Map<string, boolean>();
    let signalled = 0;
    for (const row of rows) {
      if (stopped) break;
      if (row.state !== 'accepted') {
        // A running session has the row in its memory, or loads it before it goes on.
        if (!running.has(row.session)) running.set(row.session, await deps.engine.isRunning(row.session));
        if (running.get(row.session)) continue;
      }
      if (!(await signal(deps, row))) throw new Error('the engine is away');
      signalled += 1;
    }
    if (signalled > 0) deps.log.info({ signalled }, 'unfinished messages were signalled again');
    return signalled;
  }

  function pass(): void {
    passing = sweep()
      .then(() => everyMs)
      .catch((error: unknown) => {
        deps.log.warn({ error: messageOf(error) }, 'sweep failed; tried again soon');
        return Math.min(RETRY_MS, everyMs);
      })
      .then((next) => {
        if (!stopped) timer = setTimeout(pass, next);
      });
  }

  return {
    sweep,
    start: pass,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await passing;
    },
  };
}

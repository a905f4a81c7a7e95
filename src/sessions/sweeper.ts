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
  /** A pass now: the engine answers again. */
  wake(): void;
  stop(): Promise<void>;
}

/** After a failed pass the next one comes sooner: the engine may be back at any second. */
const RETRY_MS = 2_000;

/** One session that the engine refuses must not hold back the rows behind it; several in a row mean that it is away. */
const REFUSED_IN_A_ROW = 3;

export interface SweeperDeps extends Pick<IntakeDeps, 'db' | 'engine' | 'log'> {
  /** What else is looked after at every pass, after the rows; one that fails keeps nothing else from its turn. */
  readonly passes?: readonly (() => Promise<void>)[];
  /** Hears of a session with unfinished rows that does not run, before it is signalled again. */
  readonly onGone?: (session: string) => Promise<void>;
}

export function createSweeper(deps: SweeperDeps, options: { readonly everyMs?: number; readonly staleMs?: number } = {}): Sweeper {
  const everyMs = options.everyMs ?? TIMINGS.sweepEvery;
  const staleMs = options.staleMs ?? TIMINGS.sweepEvery;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let passing: Promise<void> = Promise.resolve();

  async function sweep(ofAge?: number): Promise<number> {
    try {
      return await sweepRows(ofAge ?? staleMs);
    } finally {
      for (const pass of deps.passes ?? []) {
        if (!stopped) await pass().catch((error: unknown) => deps.log.warn({ error: messageOf(error) }, 'part of a sweep failed; tried again at the next'));
      }
    }
  }

  async function sweepRows(ofAge: number): Promise<number> {
    const rows = await sweepable(deps.db, Date.now() - ofAge);
    const running = new Map<string, boolean>();
    let signalled = 0;
    let missed = 0;
    let inARow = 0;
    for (const row of rows) {
      if (stopped) break;
      if (row.state !== 'accepted') {
        // A running session has the row in its memory, or loads it before it goes on.
        const known = running.get(row.session);
        const runs = known ?? (await deps.engine.isRunning(row.session));
        running.set(row.session, runs);
        if (runs) continue;
        if (known === undefined) await deps.onGone?.(row.session).catch((error: unknown) => deps.log.debug({ error: messageOf(error) }, 'how a session ended is not known'));
      }
      if (await signal(deps, row)) {
        signalled += 1;
        inARow = 0;
        continue;
      }
      missed += 1;
      inARow += 1;
      if (inARow >= REFUSED_IN_A_ROW) throw new Error('the engine is away');
    }
    if (missed > 0) throw new Error(`the engine is away for ${missed} of ${missed + signalled} messages`);
    if (signalled > 0) deps.log.info({ signalled }, 'unfinished messages were signalled again');
    return signalled;
  }

  function pass(ofAge?: number): void {
    timer = undefined;
    passing = sweep(ofAge)
      .then(() => everyMs)
      .catch((error: unknown) => {
        deps.log.warn({ error: messageOf(error) }, 'sweep failed; tried again soon');
        return Math.min(RETRY_MS, everyMs);
      })
      .then((next) => {
        if (!stopped) timer = setTimeout(() => pass(), next);
      });
  }

  return {
    sweep: () => sweep(),
    // Nobody else worked while this process, or the engine, was away: what has no workflow now needs one now.
    start: () => pass(0),
    wake() {
      if (stopped || timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      pass(0);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await passing;
    },
  };
}

/**
 * Waits for runs by watching their rows.
 * Invariants: an end is told from the row, never from the bus (a bus event only makes us look at once); every ended run
 * is told exactly once in this process, however often it is seen; a waiter that comes late finds the row ended already.
 */
import { isTerminal } from '../core/run.js';
import type { Logger, RunEvents } from '../core/ports.js';
import { messageOf } from '../core/errors.js';
import type { EndedCursor, RowStore, RunRow } from './deps.js';

/** A run that ended. For a merged run, `final` is the row of the run that answered in its place. */
export interface EndedRun {
  readonly row: RunRow;
  readonly final: RunRow;
}

export interface RunWatcher {
  /**
   * Resolves when the run ends; undefined when the time is up or the signal fires first. A run nobody has heard of is
   * waited for too: its row may be a moment away.
   */
  wait(runId: string, options: WaitOptions): Promise<EndedRun | undefined>;
  onEnded(listener: (ended: EndedRun) => void): () => void;
  /** Someone wants to hear of ends: without anyone, nothing is polled. */
  hold(): () => void;
  close(): void;
}

export interface WaitOptions {
  readonly session?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface WatcherDeps {
  readonly rows: RowStore;
  readonly events: Pick<RunEvents, 'subscribe'>;
  readonly log: Logger;
  readonly pollMs: number;
  readonly now?: () => number;
}

/**
 * A row can be committed after another one with a later time; the poller looks back this far, and knows what it has
 * already told.
 */
const OVERLAP_MS = 10_000;
const PAGE = 200;
/** A run merged into one that was merged: chains are short, a loop must end. */
export const MAX_MERGES = 16;
/** Node clamps longer timers to 1 ms. */
const MAX_TIMER_MS = 2_147_483_647;

interface Waiter {
  readonly runId: string;
  readonly session: string | undefined;
  resolve(ended: EndedRun): void;
}

export function createWatcher(deps: WatcherDeps): RunWatcher {
  const now = deps.now ?? Date.now;
  const listeners = new Set<(ended: EndedRun) => void>();
  const waiters = new Set<Waiter>();
  /** Inbound id → time of its end, for what was told within the overlap. */
  const told = new Map<string, number>();
  /** Merged runs whose host goes on, by run id: told when it ends. */
  const merged = new Map<string, RunRow>();
  let holds = 0;
  let cursor: EndedCursor | undefined;
  let timer: NodeJS.Timeout | undefined;
  let polling = false;
  let again = false;
  let closed = false;

  const unsubscribe = deps.events.subscribe((event) => {
    if (event.type === 'end') poke();
  });

  return {
    async wait(runId, options) {
      if (options.signal?.aborted) return undefined;
      const release = hold();
      let done!: (ended: EndedRun | undefined) => void;
      const result = new Promise<EndedRun | undefined>((resolve) => (done = resolve));
      const waiter: Waiter = { runId, session: options.session, resolve: done };
      const onAbort = (): void => done(undefined);
      const limit = options.timeoutMs === undefined || options.timeoutMs > MAX_TIMER_MS ? undefined : setTimeout(onAbort, options.timeoutMs);
      options.signal?.addEventListener('abort', onAbort, { once: true });
      // Registered before the look: an end in between is seen by one of the two.
      waiters.add(waiter);
      try {
        void look(waiter);
        return await result;
      } finally {
        waiters.delete(waiter);
        clearTimeout(limit);
        options.signal?.removeEventListener('abort', onAbort);
        release();
      }
    },
    onEnded(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    hold,
    close() {
      closed = true;
      clearTimeout(timer);
      unsubscribe();
      waiters.clear();
      listeners.clear();
    },
  };

  function hold(): () => void {
    holds += 1;
    if (holds === 1) {
      // What ended while nobody listened is history, not news; the overlap covers a client that just reconnects.
      cursor = { endedAt: now() - OVERLAP_MS, inboundId: '' };
      schedule(0);
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      holds -= 1;
      if (holds === 0) clearTimeout(timer);
    };
  }

  /** A store that is away for a moment must not make a waiter believe its run failed: asked again until it answers. */
  async function look(waiter: Waiter): Promise<void> {
    while (waiters.has(waiter) && !closed) {
      try {
        const row = await deps.rows.run(waiter.runId, waiter.session);
        const final = row && isTerminal(row.state) ? await follow(row) : undefined;
        if (row && final) waiter.resolve({ row, final });
        return;
      } catch (error) {
        deps.log.warn({ error: messageOf(error) }, 'could not look for a run');
        await new Promise((done) => setTimeout(done, deps.pollMs).unref());
      }
    }
  }

  /** The row that has the outcome; undefined while the run that took this one in goes on. */
  async function follow(row: RunRow): Promise<RunRow | undefined> {
    let at = row;
    for (let i = 0; i < MAX_MERGES && at.state === 'merged' && at.mergedInto !== undefined; i += 1) {
      const next = await deps.rows.runByHash(at.mergedInto);
      if (!next) return at;
      if (!isTerminal(next.state)) return undefined;
      at = next;
    }
    return at;
  }

  function poke(): void {
    if (holds === 0 || closed) return;
    if (polling) again = true;
    else schedule(0);
  }

  function schedule(delay: number): void {
    clearTimeout(timer);
    if (closed || holds === 0) return;
    timer = setTimeout(() => void poll(), delay);
    timer.unref();
  }

  async function poll(): Promise<void> {
    if (polling) return;
    polling = true;
    again = false;
    try {
      await sweep();
    } catch (error) {
      // A store that is busy or away for a moment: the next round sees the same rows.
      deps.log.warn({ error: messageOf(error) }, 'could not look for ended runs');
    } finally {
      polling = false;
      schedule(again ? 0 : deps.pollMs);
    }
  }

  async function sweep(): Promise<void> {
    let from = cursor ?? { endedAt: now() - OVERLAP_MS, inboundId: '' };
    for (;;) {
      const refs = await deps.rows.endedSince(from, PAGE);
      for (const { inboundId, run } of refs) {
        // Only what is news is read whole: the overlap shows every end many times.
        const row = told.has(inboundId) ? undefined : await deps.rows.runByHash(run);
        if (row) await tell(row);
      }
      from = refs.at(-1) ?? from;
      if (refs.length < PAGE) break;
    }
    cursor = { endedAt: Math.max(cursor?.endedAt ?? 0, now() - OVERLAP_MS), inboundId: '' };
    for (const [id, endedAt] of told) if (endedAt < now() - 3 * OVERLAP_MS) told.delete(id);
    for (const [runId, row] of merged) await tellMerged(runId, row);
  }

  async function tell(row: RunRow): Promise<void> {
    told.set(row.inboundId, row.endedAt ?? now());
    const final = await follow(row);
    if (final) emit({ row, final });
    else merged.set(row.runId, row);
  }

  async function tellMerged(runId: string, row: RunRow): Promise<void> {
    const final = await follow(row);
    if (!final) return;
    merged.delete(runId);
    emit({ row, final });
  }

  function emit(ended: EndedRun): void {
    for (const waiter of waiters) {
      if (waiter.runId === ended.row.runId && (waiter.session === undefined || waiter.session === ended.row.session)) waiter.resolve(ended);
    }
    for (const listener of [...listeners]) {
      try {
        listener(ended);
      } catch (error) {
        deps.log.error({ error: messageOf(error) }, 'a listener of ended runs failed');
      }
    }
  }
}

/**
 * Watches approvals by their rows. Invariants: what was asked and how it ended is told from the row, once per process,
 * whatever the bus said or lost (a bus event only makes us look at once); a waiter that comes late finds it decided.
 */
import type { Approval } from '../core/approval.js';
import { messageOf } from '../core/errors.js';
import type { Logger, RunEvents } from '../core/ports.js';
import type { Approvals } from '../sessions/approvals.js';

export interface ApprovalWatch {
  /** Resolves with the approval once it is no longer open; undefined when the time is up or the signal fires first. */
  decided(id: string, options: { readonly timeoutMs?: number; readonly signal: AbortSignal }): Promise<Approval | undefined>;
  close(): void;
}

interface WatchDeps {
  readonly approvals: Pick<Approvals, 'changedSince' | 'get'>;
  readonly events: Pick<RunEvents, 'subscribe'>;
  readonly log: Logger;
  readonly pollMs: number;
  /** Asked for, or no longer open. */
  readonly tell: (approval: Approval) => void;
}

/** A row may be committed after another one with a later time; what was told is remembered for as long. */
const OVERLAP_MS = 10_000;
const PAGE = 200;
/** Node clamps longer timers to 1 ms. */
const MAX_TIMER_MS = 2_147_483_647;

export function watchApprovals(deps: WatchDeps): ApprovalWatch {
  /** Approval id → what was told of it. Open ones are kept: they change once more when their turn goes on without them. */
  const told = new Map<string, Approval>();
  const waiters = new Set<() => void>();
  let since = Date.now() - OVERLAP_MS;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let again = false;
  let closed = false;

  const unsubscribe = deps.events.subscribe((event) => {
    if (event.type === 'approval') look();
  });
  schedule();

  return {
    async decided(id, { timeoutMs, signal }) {
      const limit = timeoutMs === undefined || timeoutMs > MAX_TIMER_MS ? undefined : AbortSignal.timeout(timeoutMs);
      const end = limit ? AbortSignal.any([signal, limit]) : signal;
      for (;;) {
        let wake!: () => void;
        const changed = new Promise<void>((resolve) => (wake = resolve));
        // Registered before the look: a change in between is seen by one of the two.
        waiters.add(wake);
        end.addEventListener('abort', wake, { once: true });
        try {
          const approval = await deps.approvals.get(id);
          if (!approval || approval.state !== 'open') return approval;
          if (end.aborted || closed) return undefined;
          const expiry = approval.expiresAt === undefined ? undefined : setTimeout(wake, Math.min(MAX_TIMER_MS, Math.max(0, approval.expiresAt - Date.now()) + 5));
          await changed;
          clearTimeout(expiry);
        } finally {
          waiters.delete(wake);
          end.removeEventListener('abort', wake);
        }
      }
    },
    close() {
      closed = true;
      clearTimeout(timer);
      unsubscribe();
      for (const wake of waiters) wake();
    },
  };

  function schedule(): void {
    if (closed) return;
    timer = setTimeout(look, deps.pollMs);
    timer.unref();
  }

  function look(): void {
    clearTimeout(timer);
    if (closed) return;
    if (looking) {
      again = true;
      return;
    }
    looking = sweep()
      // A store that is busy or away for a moment: the next round sees the same rows.
      .catch((error: unknown) => deps.log.warn({ error: messageOf(error) }, 'could not look for approvals'))
      .finally(() => {
        looking = undefined;
        if (!again) return schedule();
        again = false;
        look();
      });
  }

  async function sweep(): Promise<void> {
    const began = Date.now();
    for (let cursor = { updatedAt: since, id: '' }, full = true; full; ) {
      const rows = await deps.approvals.changedSince(cursor, PAGE);
      rows.forEach(tell);
      cursor = rows.at(-1) ?? cursor;
      full = rows.length === PAGE;
    }
    since = Math.max(since, began - OVERLAP_MS);
    for (const { id, state, expiresAt = Infinity, updatedAt } of told.values()) {
      if (state !== 'open') {
        if (updatedAt < since - OVERLAP_MS) told.delete(id);
      } else if (expiresAt <= began) {
        // Time passes without a change of the row.
        const row = await deps.approvals.get(id);
        if (row) tell(row);
      }
    }
  }

  function tell(row: Approval): void {
    if (told.get(row.id)?.state === row.state) return;
    told.set(row.id, row);
    deps.tell(row);
    for (const wake of waiters) wake();
  }
}

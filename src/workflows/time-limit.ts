/**
 * A run's own time limit, as a timer beside its steps. The deadline is absolute, so it survives a continue-as-new.
 * Invariant: time spent waiting for a person counts against no limit.
 */
import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { SessionState } from './state.js';

export function armTimeLimit(s: SessionState): void {
  const deadline = s.turn?.deadline;
  const scope = new CancellationScope();
  s.limit = scope;
  if (deadline === undefined) return;
  scope
    .run(async () => {
      await sleep(Math.max(1, deadline - Date.now()), { summary: 'time limit of the run' });
      s.stopping ??= { code: 'RunTimeout', reason: 'the run used up its time limit' };
      s.scope?.cancel();
    })
    .catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
}

export function disarmTimeLimit(s: SessionState): void {
  s.limit?.cancel();
  s.limit = undefined;
}

/** Holds the clock of the run while `wait` waits. */
export async function whilePaused<T>(s: SessionState, wait: () => Promise<T>): Promise<T> {
  const since = Date.now();
  disarmTimeLimit(s);
  try {
    return await wait();
  } finally {
    const { deadline } = s.turn!;
    if (deadline !== undefined) s.turn = { ...s.turn!, deadline: deadline + (Date.now() - since) };
    armTimeLimit(s);
  }
}

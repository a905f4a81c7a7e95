/**
 * Heartbeats of a running activity, and what an abort means. Only `cancelRequested` is a stop; a lost attempt or a
 * stopping worker must leave the effect alone for the next attempt.
 */
import { Context } from '@temporalio/activity';
import { TIMINGS } from '../core/names.js';

export interface Running {
  readonly signal: AbortSignal;
  readonly attempt: number;
  /** The workflow asked for the end. */
  cancelled(): boolean;
}

/** Activities that only need to be missed when their worker is gone. */
export const heartbeating = <A extends object>(activities: A): A =>
  Object.fromEntries(
    Object.entries(activities as Record<string, (input: unknown) => Promise<unknown>>).map(([name, run]) => [name, (input: unknown) => whileHeartbeating(() => run(input))]),
  ) as A;

/** Heartbeats on a timer while `work` runs. */
export async function whileHeartbeating<T>(work: (running: Running) => Promise<T>): Promise<T> {
  // Captured first: timers fire outside the activity's async context.
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), TIMINGS.heartbeatEvery);
  try {
    return await work({
      signal: context.cancellationSignal,
      attempt: context.info.attempt,
      cancelled: () => context.cancellationSignal.aborted && context.cancellationDetails?.cancelRequested === true,
    });
  } finally {
    clearInterval(timer);
  }
}

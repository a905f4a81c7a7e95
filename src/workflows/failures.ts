/** What a failed activity means to the loop. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { FAILURES } from '../core/names.js';

/** Attempts ran out because workers died, not because anything said no: crashes alone never fail a run. */
export const workerLost = (error: unknown): boolean =>
  error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'HEARTBEAT';

/** @throws the error itself when it is no activity's */
export function causeOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? FAILURES.Internal, message: cause.message };
  if (cause instanceof TimeoutFailure) return { code: FAILURES.Network, message: `no answer in time (${cause.timeoutType})` };
  return { code: FAILURES.Internal, message: error.message };
}

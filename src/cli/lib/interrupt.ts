/**
 * Ctrl-C while an answer is awaited: once leaves the run to itself, twice stops it.
 * Invariant: the first one never ends the run, and the person is told how to come back.
 */
import { CodedError, messageOf } from '../../core/errors.js';
import { abortHint, comeBack, showRunHint } from './hints.js';

/** Time for the second Ctrl-C. */
const SECOND_MS = 2_000;

export interface Interrupts {
  /** For {@link FollowOptions.left}. */
  readonly left: (abort: () => Promise<void>) => Promise<never>;
  dispose(): void;
}

/** @param canAbort the second Ctrl-C stops the run; otherwise the first one leaves at once */
export function onInterrupt(runId: string, note: (text: string) => void, canAbort: boolean): Interrupts {
  const { promise, reject } = Promise.withResolvers<never>();
  // Nobody may be listening yet when it rejects.
  promise.catch(() => undefined);
  let abort: (() => Promise<void>) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const detached = (): void => reject(new CodedError('DETACHED', 'Detached; the run goes on', comeBack(runId), { runId }));

  const onSignal = (): void => {
    if (!canAbort) return detached();
    if (timer === undefined) {
      note('Detaching; the run goes on. Ctrl-C again within 2 s stops it.');
      timer = setTimeout(detached, SECOND_MS);
      return;
    }
    clearTimeout(timer);
    (abort?.() ?? Promise.resolve()).then(
      () => reject(new CodedError('STOPPED', 'Stopped the run', `See what it did: ${showRunHint(runId)}`, { runId })),
      (error: unknown) => reject(error instanceof CodedError ? error : new CodedError('STOP_FAILED', messageOf(error), abortHint(runId))),
    );
  };
  process.on('SIGINT', onSignal);
  return {
    left: (how) => {
      abort = how;
      return promise;
    },
    dispose: () => {
      clearTimeout(timer);
      process.removeListener('SIGINT', onSignal);
    },
  };
}

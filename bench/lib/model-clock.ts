/**
 * When the instant model got its request and had answered it, on `performance.now()`'s clock. The model server runs in
 * this process, so Node itself tells (`diagnostics_channel`), and the server is the tests' own, unchanged.
 * Invariant: one turn at a time is split; turns that run beside each other are not, because a request names no turn.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

export interface ModelTimes {
  readonly asked: number;
  readonly answered: number;
}

export interface ModelClock {
  /** First request and last answer since the last call; absent when the model was not asked. */
  take(): ModelTimes | undefined;
  stop(): void;
}

export function startModelClock(): ModelClock {
  let asked: number | undefined;
  let answered: number | undefined;
  const onStart = (): void => void (asked ??= performance.now());
  const onFinish = (): void => void (answered = performance.now());
  subscribe('http.server.request.start', onStart);
  subscribe('http.server.response.finish', onFinish);
  return {
    take() {
      const times = asked === undefined || answered === undefined ? undefined : { asked, answered };
      asked = answered = undefined;
      return times;
    },
    stop() {
      unsubscribe('http.server.request.start', onStart);
      unsubscribe('http.server.response.finish', onFinish);
    },
  };
}

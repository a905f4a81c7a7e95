/**
 * Notices a connection that gives no sign of life: a half-open socket fails no call, it just never answers.
 * Invariant: `onSilence` is called once for each silence, and never after `stop`.
 */
export interface Watchdog {
  /** A sign of life, or the begin of a wait for one. */
  alive(): void;
  stop(): void;
}

export function createWatchdog(silenceMs: number, onSilence: () => void): Watchdog {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    alive() {
      stop();
      timer = setTimeout(onSilence, silenceMs);
    },
    stop,
  };
}

/**
 * Pauses between attempts: doubling, with jitter, so that accounts which lost the same network do not all come back at once.
 * Invariant: never less than half of what is due, never more than the longest pause.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Backoff {
  /** Milliseconds to wait now; the next pause is longer. */
  next(): number;
  /** After a success. */
  reset(): void;
}

export function createBackoff(min: number, max: number, random: () => number = Math.random): Backoff {
  let due = min;
  return {
    next() {
      const pause = due * (0.5 + random() / 2);
      due = Math.min(max, due * 2);
      return Math.round(pause);
    },
    reset() {
      due = min;
    },
  };
}

/** @returns false when the signal ended the pause */
export const pause = (ms: number, signal: AbortSignal): Promise<boolean> => sleep(ms, true, { signal }).catch(() => false);

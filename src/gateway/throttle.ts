/**
 * Slows down guessing of the token. Everybody here comes from loopback, so nobody is locked out: a wrong token is
 * answered later and later (at most 5 s), a right one at once.
 * Invariant: bounded memory, and a bounded number of answers held back.
 */
export interface Throttle {
  /** Counts a failure. @returns milliseconds to hold the answer back, or `refuse` when too many are held back already */
  failed(): number | 'refuse';
  /** The held-back answer was given. */
  answered(): void;
}

export interface ThrottleOptions {
  readonly now?: () => number;
  /** Failures that cost nothing: people mistype. */
  readonly free?: number;
  readonly windowMs?: number;
  readonly maxDelayMs?: number;
  readonly maxHeld?: number;
}

export function createThrottle(options: ThrottleOptions = {}): Throttle {
  const { now = Date.now, free = 5, windowMs = 60_000, maxDelayMs = 5_000, maxHeld = 32 } = options;
  let failures = 0;
  let last = 0;
  let held = 0;
  return {
    failed() {
      if (now() - last > windowMs) failures = 0;
      last = now();
      failures += 1;
      if (failures <= free) {
        held += 1;
        return 0;
      }
      if (held >= maxHeld) return 'refuse';
      held += 1;
      return Math.min(maxDelayMs, 100 * 2 ** Math.min(failures - free, 10));
    },
    answered() {
      held = Math.max(0, held - 1);
    },
  };
}

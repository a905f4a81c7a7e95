/** How often somebody may be wrong: wrong codes within a time, counted in this process. */

export interface Attempts {
  /** @returns milliseconds to wait; 0 when another try is free */
  wait(): number;
  wrong(): void;
}

export function createAttempts(limit: { readonly max: number; readonly withinMs: number }, now: () => number = Date.now): Attempts {
  let times: number[] = [];
  return {
    wait() {
      times = times.filter((at) => at > now() - limit.withinMs);
      return times.length < limit.max ? 0 : times[0]! + limit.withinMs - now();
    },
    wrong: () => void times.push(now()),
  };
}

/** Random numbers that a seed repeats (mulberry32). */
export interface Dice {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  between(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
}

export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { below, between: (low, high) => low + below(high - low + 1), pick: (from) => from[below(from.length)]! };
}

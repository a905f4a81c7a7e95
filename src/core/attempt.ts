/**
 * The `attempt` of a step's events: one number that grows over a step's workflow chains, schedulings and retries, so that
 * a reader tells the newer of two events without knowing any of the three. Pure and sandbox-safe.
 */

/** Schedulings and retries of one chain stay below 100 each; more count as the last. */
const SCHEDULING = 100;
const GENERATION = 10_000;

export const eventAttempt = (at: { readonly generation: number; readonly nth?: number }, attempt: number): number =>
  at.generation * GENERATION + Math.min(at.nth ?? 0, SCHEDULING - 1) * SCHEDULING + Math.min(attempt, SCHEDULING - 1);

export const generationOf = (attempt: number): number => Math.floor(attempt / GENERATION);

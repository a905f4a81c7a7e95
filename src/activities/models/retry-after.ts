/**
 * The server's own wish for when to come back, in milliseconds. Pure but for the clock it is given.
 */

export interface HeaderReader {
  get(name: string): string | null;
}

/**
 * `retry-after-ms` (OpenAI, Azure), else `retry-after` in seconds or as an HTTP date, else what the message says
 * ("retry in 37.5s" from Gemini, "try again in 6m0s" or "in 20ms" from OpenAI).
 */
export function retryAfterMs(headers: HeaderReader | undefined, message: string, now: number): number | undefined {
  const ms = number(headers?.get('retry-after-ms'));
  if (ms !== undefined) return ms;
  const after = headers?.get('retry-after')?.trim();
  if (after) {
    const seconds = number(after);
    if (seconds !== undefined) return Math.round(seconds * 1000);
    const date = Date.parse(after);
    if (!Number.isNaN(date)) return Math.max(0, date - now);
  }
  const said = /(?:retry|again) in ((?:\d+(?:\.\d+)?(?:ms|h|m|s))+)/i.exec(message)?.[1];
  return said === undefined ? undefined : duration(said);
}

function number(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function duration(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/gi)) total += Number(amount) * (UNITS[unit!.toLowerCase()] ?? 0);
  return Math.round(total);
}

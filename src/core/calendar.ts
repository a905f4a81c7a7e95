/**
 * Calendar days of a time zone, as `YYYY-MM-DD`. By Intl alone, so that a day has 23 or 25 hours when its clocks change.
 */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timezone: string): Intl.DateTimeFormat {
  // Making one costs more than a hundred uses of it.
  let format = formats.get(timezone);
  if (!format) formats.set(timezone, (format = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, calendar: 'iso8601', numberingSystem: 'latn', year: 'numeric', month: '2-digit', day: '2-digit' })));
  return format;
}

/** The day it is there at `at` (epoch milliseconds). @throws RangeError for a zone nobody knows */
export function dayIn(timezone: string, at: number): string {
  const parts = formatOf(timezone).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}

export function isTimezone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

export const hostTimezone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @param by days, also negative */
export function shiftDay(day: string, by: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1, date + by)).toISOString().slice(0, 10);
}

/** No zone is further from UTC, with an hour or two for clocks that change at midnight. */
const FURTHEST_MS = 16 * 3_600_000;

/** The first moment of a day there, epoch milliseconds. Where clocks skip midnight it is the moment after the gap. */
export function startOfDay(timezone: string, day: string): number {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  let before = Date.UTC(year, month - 1, date) - FURTHEST_MS;
  let within = before + 2 * FURTHEST_MS;
  while (within - before > 1) {
    const middle = Math.floor((before + within) / 2);
    if (dayIn(timezone, middle) < day) before = middle;
    else within = middle;
  }
  return within;
}

export const endOfDay = (timezone: string, day: string): number => startOfDay(timezone, shiftDay(day, 1));

export function endOfMonth(timezone: string, day: string): number {
  const [year = 0, month = 1] = day.split('-').map(Number);
  return startOfDay(timezone, new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10));
}

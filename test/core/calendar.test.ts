/** Days of a time zone, also those with 23 or 25 hours and those that begin at one o'clock. */
import { describe, expect, it } from 'vitest';
import { dayIn, endOfDay, endOfMonth, isTimezone, shiftDay, startOfDay } from '../../src/core/calendar.js';

const at = (text: string): number => Date.parse(text);
const text = (ms: number): string => new Date(ms).toISOString();

describe('days', () => {
  it('are those of the zone', () => {
    expect(dayIn('UTC', at('2026-03-01T00:00:00Z'))).toBe('2026-03-01');
    expect(dayIn('Pacific/Kiritimati', at('2026-02-28T10:00:00Z'))).toBe('2026-03-01');
    expect(dayIn('Pacific/Pago_Pago', at('2026-03-01T10:59:59Z'))).toBe('2026-02-28');
    expect(dayIn('Asia/Kathmandu', at('2026-02-28T18:15:00Z'))).toBe('2026-03-01');
  });

  it.each([
    ['Europe/Vienna', '2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z', 23],
    ['Europe/Vienna', '2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z', 25],
    ['America/New_York', '2026-11-01', '2026-11-01T04:00:00.000Z', '2026-11-02T05:00:00.000Z', 25],
    // Clocks that skip midnight: the day begins at one.
    ['Asia/Beirut', '2026-03-29', '2026-03-28T22:00:00.000Z', '2026-03-29T21:00:00.000Z', 23],
    // … and clocks that are set back to the evening before.
    ['America/Havana', '2026-11-01', '2026-11-01T04:00:00.000Z', '2026-11-02T05:00:00.000Z', 25],
    ['Asia/Kolkata', '2026-06-15', '2026-06-14T18:30:00.000Z', '2026-06-15T18:30:00.000Z', 24],
    ['Pacific/Kiritimati', '2026-06-15', '2026-06-14T10:00:00.000Z', '2026-06-15T10:00:00.000Z', 24],
    ['Pacific/Pago_Pago', '2026-06-15', '2026-06-15T11:00:00.000Z', '2026-06-16T11:00:00.000Z', 24],
  ])('in %s %s begins at %s and ends at %s', (zone, day, start, end, hours) => {
    expect(text(startOfDay(zone, day))).toBe(start);
    expect(text(endOfDay(zone, day))).toBe(end);
    expect((endOfDay(zone, day) - startOfDay(zone, day)) / 3_600_000).toBe(hours);
  });

  it('months end with their last day, also in December and February', () => {
    expect(text(endOfMonth('UTC', '2026-12-05'))).toBe('2027-01-01T00:00:00.000Z');
    expect(text(endOfMonth('Europe/Vienna', '2028-02-29'))).toBe('2028-02-29T23:00:00.000Z');
    expect(shiftDay('2028-02-28', 1)).toBe('2028-02-29');
    expect(shiftDay('2026-01-01', -1)).toBe('2025-12-31');
  });

  it('a zone nobody knows is told from one that is', () => {
    expect(isTimezone('Europe/Vienna')).toBe(true);
    expect(isTimezone('Mars/Olympus')).toBe(false);
  });
});

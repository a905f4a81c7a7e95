/** The throttle and the coalescer, by the clock. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { RunEvent } from '../../src/core/events.js';
import { createCoalescer } from '../../src/gateway/coalesce.js';
import { createThrottle } from '../../src/gateway/throttle.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('failures are free at first, then dearer up to a limit, and forgotten after a quiet minute', () => {
  const throttle = createThrottle();
  const delays = Array.from({ length: 14 }, () => {
    const delay = throttle.failed();
    throttle.answered();
    return delay;
  });
  expect(delays).toEqual([0, 0, 0, 0, 0, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000]);
  vi.advanceTimersByTime(60_001);
  expect(throttle.failed()).toBe(0);
});

test('only so many answers are held back at once', () => {
  const throttle = createThrottle({ free: 0, maxHeld: 2 });
  expect([throttle.failed(), throttle.failed(), throttle.failed()]).toEqual([200, 400, 'refuse']);
  throttle.answered();
  expect(throttle.failed()).not.toBe('refuse');
});

const delta = (type: 'text' | 'thinking', text: string, at: Partial<RunEvent> = {}): RunEvent =>
  ({ session: 's', run: 'r', runId: 'r', step: 1, attempt: 1, at: 0, type, delta: text, ...at }) as RunEvent;

test('the first delta goes out at once, later ones within the window, streams and runs never mix', () => {
  const sent: string[] = [];
  const coalescer = createCoalescer((event) => sent.push(`${event.run}:${event.type}:${'delta' in event ? event.delta : ''}`));
  vi.setSystemTime(1_000);
  coalescer.push(delta('text', 'a'));
  expect(sent).toEqual(['r:text:a']);
  coalescer.push(delta('text', 'b'));
  coalescer.push(delta('text', 'c'));
  coalescer.push(delta('text', 'x', { run: 'other' }));
  expect(sent).toEqual(['r:text:a', 'other:text:x']);
  coalescer.push(delta('thinking', 'd'));
  expect(sent.at(-1)).toBe('r:text:bc');
  vi.advanceTimersByTime(100);
  expect(sent.at(-1)).toBe('r:thinking:d');
  coalescer.push(delta('text', 'e'));
  coalescer.push(delta('text', 'f'));
  coalescer.push({ ...delta('text', ''), type: 'end', state: 'ok' } as RunEvent);
  expect(sent.slice(-3)).toEqual(['r:text:e', 'r:text:f', 'r:end:']);
  coalescer.close();
});

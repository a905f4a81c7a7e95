/** A process ends whatever its parts do while they close. */
import { expect, test } from 'vitest';
import { createClosing } from '../../src/host/closing.js';

test('closes in the opposite order and goes on behind what fails', async () => {
  const seen: string[] = [];
  const closing = createClosing();
  closing.opened('lock', () => seen.push('lock'));
  closing.opened('store', () => Promise.reject(new Error('busy')));
  closing.opened('door', () => seen.push('door'));
  await closing.close(1_000, (problem) => seen.push(problem));
  expect(seen).toEqual(['door', 'store: busy', 'lock']);
});

test('what hangs is named and left behind', async () => {
  const problems: string[] = [];
  const closing = createClosing();
  closing.opened('workers', () => new Promise(() => undefined));
  await closing.close(20, (problem) => problems.push(problem));
  expect(problems).toEqual(['workers: still open after 0.02 s']);
});

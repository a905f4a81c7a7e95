/** What counts as a second wish to leave. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { untilSignal } from '../../src/host/signals.js';

function house() {
  let time = 0;
  const exits: number[] = [];
  const from = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  const first = untilSignal(from as unknown as NodeJS.Process, () => time);
  return { first, exits, send: (signal: string, at: number) => ((time = at), from.emit(signal)) };
}

test('the same signal again within a second is its echo, later it means "at once"', async () => {
  const { first, exits, send } = house();
  send('SIGINT', 0);
  expect(await first).toBe('SIGINT');
  send('SIGINT', 900);
  expect(exits).toEqual([]);
  send('SIGINT', 1_100);
  expect(exits).toEqual([130]);
});

test('another signal leaves at once, however soon', () => {
  const { exits, send } = house();
  send('SIGINT', 0);
  send('SIGTERM', 10);
  expect(exits).toEqual([143]);
});

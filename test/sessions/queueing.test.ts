/** How a message waits: its own word, its session's, its channel's, the config's. */
import { describe, expect, it } from 'vitest';
import { QUEUE_DEFAULTS, resolveQueue } from '../../src/sessions/queueing.js';

const defaults = { ...QUEUE_DEFAULTS, byChannel: { telegram: 'collect' } } as const;

describe('the mode of a message', () => {
  it.each([
    ['names none', {}, 'rpc', {}, 'steer'],
    ['comes by a channel that has one', {}, 'telegram', {}, 'collect'],
    ['comes to a session that was set', { mode: 'interrupt' }, 'telegram', {}, 'interrupt'],
    ['names one', { mode: 'interrupt' }, 'telegram', { mode: 'followup' }, 'followup'],
    ['wants another model: it is a turn of its own', {}, 'rpc', { model: 'a/b' }, 'followup'],
    ['wants a time limit', {}, 'telegram', { timeoutMs: 5 }, 'followup'],
    ['carries out a decision', {}, 'rpc', { followOn: 'x' }, 'followup'],
    ['wants another model and interrupts', { mode: 'interrupt' }, 'rpc', { model: 'a/b' }, 'interrupt'],
  ] as const)('that %s', (_, own, channel, turn, mode) => {
    expect(resolveQueue(defaults, own, channel, turn).mode).toBe(mode);
  });
});

it('cap, quiet time and drop policy come from the session before the config', () => {
  expect(resolveQueue(defaults, { cap: 3, drop: 'new' }, 'rpc')).toEqual({ mode: 'steer', debounceMs: 500, cap: 3, drop: 'new' });
});

/** What an arriving item does, for every mode, speaker and place. */
import { describe, expect, it, test } from 'vitest';
import { type InboxItem, QUEUE_MODES, type QueueMode, type QueueState, type Role, decideArrival, queuePosition } from '../../src/core/queue.js';

let count = 0;
const item = (over: Partial<InboxItem> = {}): InboxItem => {
  count += 1;
  return { inboundId: `i${count}`, run: `r${count}`, principal: 'ann', role: 'guest', rights: 'all', mode: 'followup', priority: 3, at: count, ...over };
};
const running = (over: Partial<InboxItem> = {}, inGroup = false): QueueState => ({ running: { item: item(over), inGroup }, waiting: [] });

type Who = 'initiator' | 'owner' | 'somebody else';
const speak = (who: Who, mode: QueueMode): InboxItem => {
  const role: Role = who === 'owner' ? 'owner' : 'guest';
  return item({ mode, role, principal: who === 'initiator' ? 'ann' : who === 'owner' ? 'boss' : 'bob' });
};

describe('while a turn runs', () => {
  const table: readonly (readonly [mode: QueueMode, who: Who, inGroup: boolean, act: string])[] = [
    ['followup', 'initiator', false, 'queue'], ['followup', 'owner', false, 'queue'], ['followup', 'somebody else', false, 'queue'],
    ['followup', 'initiator', true, 'queue'], ['followup', 'owner', true, 'queue'], ['followup', 'somebody else', true, 'queue'],
    ['steer', 'initiator', false, 'inject'], ['steer', 'owner', false, 'inject'], ['steer', 'somebody else', false, 'queue'],
    ['steer', 'initiator', true, 'inject'], ['steer', 'owner', true, 'inject'], ['steer', 'somebody else', true, 'collect'],
    ['collect', 'initiator', false, 'collect'], ['collect', 'owner', false, 'collect'], ['collect', 'somebody else', false, 'collect'],
    ['collect', 'initiator', true, 'collect'], ['collect', 'owner', true, 'collect'], ['collect', 'somebody else', true, 'collect'],
    ['interrupt', 'initiator', false, 'interrupt'], ['interrupt', 'owner', false, 'interrupt'], ['interrupt', 'somebody else', false, 'queue'],
    ['interrupt', 'initiator', true, 'interrupt'], ['interrupt', 'owner', true, 'interrupt'], ['interrupt', 'somebody else', true, 'queue'],
  ];

  it.each(table)('%s from the %s (in a group: %s) does: %s', (mode, who, inGroup, act) => {
    expect(decideArrival(running({}, inGroup), speak(who, mode)).act).toBe(act);
  });

  it('every mode, speaker and place has its line in the table', () => {
    expect(new Set(table.map(([mode, who, inGroup]) => `${mode} ${who} ${inGroup}`)).size).toBe(QUEUE_MODES.length * 3 * 2);
  });

  it('what has to wait says at which position', () => {
    const waiting = [item({ priority: 2 }), item({ priority: 3 })];
    expect(decideArrival({ ...running(), waiting }, item({ mode: 'interrupt', principal: 'bob', priority: 2 }))).toEqual({ act: 'queue', position: 1 });
    expect(decideArrival({ ...running(), waiting }, item({ mode: 'steer', principal: 'bob' }))).toEqual({ act: 'queue', position: 2 });
  });
});

describe('while nothing runs', () => {
  it.each(QUEUE_MODES.flatMap((mode) => (['initiator', 'owner', 'somebody else'] as const).map((who) => [mode, who] as const)))('%s from the %s starts or is collected, and never interrupts nothing', (mode, who) => {
    expect(decideArrival({ waiting: [] }, speak(who, mode))).toEqual(mode === 'collect' ? { act: 'collect' } : { act: 'queue', position: 0 });
  });
});

describe('a repeated signal', () => {
  it.each(QUEUE_MODES)('of the running item is a duplicate, also as %s', (mode) => {
    const state = running({ mode });
    expect(decideArrival(state, { ...state.running!.item })).toEqual({ act: 'duplicate' });
  });

  it.each(QUEUE_MODES)('of a waiting item is a duplicate, also as %s', (mode) => {
    const waiting = [item(), item({ mode })];
    expect(decideArrival({ waiting }, { ...waiting[1]! })).toEqual({ act: 'duplicate' });
    expect(decideArrival({ ...running(), waiting }, { ...waiting[1]! })).toEqual({ act: 'duplicate' });
  });

  it('is told by the inbound row alone: another row of the same principal and time is no duplicate', () => {
    const state = running();
    expect(decideArrival(state, { ...state.running!.item, inboundId: 'another' }).act).toBe('queue');
  });
});

test('better priorities wait first; within one priority it is first in, first out', () => {
  const waiting: InboxItem[] = [];
  const arrivals = [3, 2, 3, 5, 2, 1, 3].map((priority) => item({ priority }));
  for (const arrival of arrivals) waiting.splice(queuePosition(waiting, arrival), 0, arrival);
  const order = waiting.map((one) => arrivals.indexOf(one));
  expect(order).toEqual([5, 1, 4, 0, 2, 6, 3]);
});

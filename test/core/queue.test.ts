/** What an arriving message does, for every mode, speaker and place; and which turn comes next. */
import { describe, expect, it, test } from 'vitest';
import { type InboxItem, QUEUE_MODES, type QueueMode, type QueueRules, type QueueState, type Role, afterTurn, arrive, nextTurn, queuePosition } from '../../src/core/queue.js';

let count = 0;
const RULES: QueueRules = { place: 'here', quietMs: 500, cap: 20, drop: 'summarize' };
const item = (over: Partial<InboxItem> = {}, rules: Partial<QueueRules> = {}): InboxItem => {
  count += 1;
  return { inboundId: `i${count}`, run: `r${count}`, principal: 'ann', role: 'guest', rights: 'all', mode: 'followup', priority: 3, at: count, rules: { ...RULES, ...rules }, ...over };
};
const idle: QueueState = { waiting: [], steering: [] };
const running = (over: Partial<InboxItem> = {}, inGroup = false): QueueState => ({ running: { item: item(over), inGroup }, waiting: [], steering: [] });
const reset = (over: Partial<InboxItem> = {}): InboxItem => item(over, { reset: true });

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
    expect(arrive(running({}, inGroup), speak(who, mode)).act).toBe(act);
  });

  it('every mode, speaker and place has its line in the table', () => {
    expect(new Set(table.map(([mode, who, inGroup]) => `${mode} ${who} ${inGroup}`)).size).toBe(QUEUE_MODES.length * 3 * 2);
  });

  it('a steer waits when the turn is ending, comes from elsewhere, or its sender has something waiting', () => {
    const state = running();
    const steer = (over: Partial<InboxItem> = {}, rules: Partial<QueueRules> = {}) => item({ mode: 'steer', ...over }, rules);
    expect(arrive({ ...state, running: { ...state.running!, ending: true } }, steer()).act).toBe('queue');
    expect(arrive(state, steer({}, { place: 'there' })).act).toBe('queue');
    expect(arrive({ ...state, waiting: [item()] }, steer()).act).toBe('queue');
    expect(arrive({ ...state, waiting: [item({ principal: 'bob' })] }, steer()).act).toBe('inject');
  });

  it('an interrupt comes first, behind other interrupts', () => {
    const others = item({ principal: 'bob', priority: 2 });
    const own = item();
    const earlier = item({ mode: 'interrupt' });
    const now = item({ mode: 'interrupt' });
    expect(arrive({ ...running(), waiting: [earlier, others, own] }, now).waiting).toEqual([earlier, now, others, own]);
  });

  it('what a stranger collects in a group carries that mode', () => {
    expect(arrive(running({}, true), speak('somebody else', 'steer')).waiting).toMatchObject([{ mode: 'collect' }]);
  });
});

describe('while nothing runs', () => {
  it.each(QUEUE_MODES.flatMap((mode) => (['initiator', 'owner', 'somebody else'] as const).map((who) => [mode, who] as const)))('%s from the %s starts or is collected, and never interrupts nothing', (mode, who) => {
    expect(arrive(idle, speak(who, mode)).act).toBe(mode === 'collect' ? 'collect' : 'queue');
  });
});

describe('a repeated signal', () => {
  it.each(QUEUE_MODES)('of the running item is a duplicate, also as %s', (mode) => {
    const state = running({ mode });
    expect(arrive(state, { ...state.running!.item }).act).toBe('duplicate');
  });

  it.each(QUEUE_MODES)('of a waiting or entering item is a duplicate, also as %s', (mode) => {
    const known = [item(), item({ mode })];
    for (const state of [{ ...idle, waiting: known }, { ...running(), waiting: known }, { ...running(), steering: known }]) {
      expect(arrive(state, { ...known[1]! })).toEqual({ act: 'duplicate', waiting: state.waiting, steering: state.steering, dropped: [] });
    }
  });
});

describe('a reset', () => {
  it('ends what was said before it and comes next; what is said after it waits behind it, whoever says it', () => {
    const before = [item(), item({ mode: 'collect' })];
    const entering = [item({ mode: 'steer' })];
    const order = reset();
    const after = arrive({ ...running(), waiting: before, steering: entering }, order);
    expect(after).toEqual({ act: 'reset', waiting: [order], steering: [], dropped: [...entering, ...before].map((one) => ({ item: one, reason: 'reset' })) });
    const later = item({ role: 'owner', priority: 1 });
    const interrupt = item({ mode: 'interrupt', role: 'owner', priority: 1 });
    const state: QueueState = { ...after, running: { ...running().running!, ending: true } };
    expect(arrive(state, later).waiting).toEqual([order, later]);
    expect(arrive(state, interrupt).waiting).toEqual([order, interrupt]);
    expect(nextTurn([order, later], 0)).toEqual({ act: 'reset', item: order, waiting: [later] });
  });
});

describe('a full queue', () => {
  const cap = (drop: QueueRules['drop'], over: Partial<InboxItem> = {}) => item(over, { cap: 2, drop });
  const waiting = [item({ principal: 'bob' }), item({ principal: 'eve' })];
  it.each([['summarize', 'queue full: summarized'], ['old', 'queue full']] as const)('with %s drops the oldest', (drop, reason) => {
    const newest = cap(drop);
    expect(arrive({ ...idle, waiting }, newest)).toEqual({ act: 'queue', waiting: [waiting[1], newest], steering: [], dropped: [{ item: waiting[0], reason }] });
  });
  it('with new refuses the newest, and an owner is never pushed out by a guest', () => {
    const newest = cap('new');
    expect(arrive({ ...idle, waiting }, newest)).toEqual({ act: 'drop', waiting, steering: [], dropped: [{ item: newest, reason: 'queue full' }] });
    const owners = [item({ role: 'owner', priority: 2 }), item({ role: 'owner', priority: 2 })];
    expect(arrive({ ...idle, waiting: owners }, cap('old')).act).toBe('drop');
    expect(arrive({ ...idle, waiting: [owners[0]!, waiting[0]!] }, cap('old')).dropped).toMatchObject([{ item: waiting[0] }]);
  });
  it('also holds for what would enter the turn', () => {
    expect(arrive({ ...running(), steering: waiting }, cap('summarize', { mode: 'steer' })).act).toBe('queue');
  });
});

describe('collected messages', () => {
  const collect = (at: number, over: Partial<InboxItem> = {}, rules: Partial<QueueRules> = {}) => item({ mode: 'collect', at, ...over }, rules);
  it('wait for quiet, and start together', () => {
    const items = [collect(1_000), collect(1_400, { principal: 'bob' })];
    expect(nextTurn(items, 1_500)).toEqual({ act: 'wait', until: 1_900 });
    expect(nextTurn(items, 1_900)).toEqual({ act: 'start', items, waiting: [] });
  });
  it('wait ten quiet times at most', () => {
    const items = Array.from({ length: 15 }, (_, i) => collect(1_000 + i * 400));
    expect(nextTurn(items, 5_999)).toEqual({ act: 'wait', until: 6_000 });
    expect(nextTurn(items, 6_000).act).toBe('start');
  });
  it('start when the inbox is full', () => {
    expect(nextTurn([collect(1_000, {}, { cap: 2 }), collect(1_001, {}, { cap: 2 })], 1_002).act).toBe('start');
  });
  it('of another conversation have a turn of their own', () => {
    const [here, there] = [collect(1_000), collect(1_100, { principal: 'bob' }, { place: 'there' })];
    expect(nextTurn([here, there], 2_000)).toEqual({ act: 'start', items: [here], waiting: [there] });
  });
  it('never overtake, and are never overtaken by, the same sender', () => {
    const first = collect(1_000);
    const next = item({ at: 1_100 });
    const last = collect(1_200);
    expect(nextTurn([first, next, last], 1_300)).toEqual({ act: 'wait', until: 1_500 });
    expect(nextTurn([first, next, last], 1_500)).toEqual({ act: 'start', items: [first], waiting: [next, last] });
    const stranger = item({ principal: 'bob', at: 1_150 });
    expect(nextTurn([first, next, stranger], 1_300)).toEqual({ act: 'start', items: [stranger], waiting: [first, next] });
  });
});

test('what was to enter a turn that ended comes next', () => {
  const steering = [item({ mode: 'steer' }), item({ mode: 'steer' })];
  const owner = item({ priority: 2, role: 'owner', principal: 'boss' });
  const other = item({ principal: 'bob' });
  expect(afterTurn({ waiting: [owner, other], steering })).toEqual({ waiting: [owner, ...steering, other], steering: [] });
});

test('better priorities wait first; within one priority it is first in, first out', () => {
  const waiting: InboxItem[] = [];
  const arrivals = [3, 2, 3, 5, 2, 1, 3].map((priority) => item({ priority, principal: `p${priority}` }));
  for (const arrival of arrivals) waiting.splice(queuePosition(waiting, arrival), 0, arrival);
  const order = waiting.map((one) => arrivals.indexOf(one));
  expect(order).toEqual([5, 1, 4, 0, 2, 6, 3]);
});

test('items of versions that knew no queue wait one by one, whatever their mode', () => {
  const old = (mode: QueueMode) => ({ ...item({ mode }), rules: undefined }) as unknown as InboxItem;
  expect(arrive(running(), old('steer')).act).toBe('queue');
  const items = [old('collect'), old('collect')];
  expect(nextTurn(items, 0)).toEqual({ act: 'start', items: [items[0]], waiting: [items[1]] });
});

/** The queue's promises, for any interleaving of messages, senders, modes, resets, stops, kills and ends of turns. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type InboxItem, type QueueState, afterTurn, arrive, isReset, nextTurn } from '../../src/core/queue.js';

const SENDERS = ['boss', 'ann', 'bob'] as const;
const CAP = 4;

type Step =
  | { readonly do: 'say'; readonly sender: 0 | 1 | 2; readonly mode: 'steer' | 'followup' | 'collect' | 'interrupt'; readonly place: 'a' | 'b'; readonly inGroup: boolean; readonly drop: 'summarize' | 'old' | 'new' }
  | { readonly do: 'reset'; readonly sender: 0 | 1 | 2 }
  /** A signal that comes twice, a chain that loads its rows again. */
  | { readonly do: 'repeat'; readonly which: number }
  | { readonly do: 'model' | 'end' | 'stop' | 'tick' | 'kill' };

const sender = fc.constantFrom(0 as const, 1 as const, 2 as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('say' as const), sender, mode: fc.constantFrom('steer' as const, 'followup' as const, 'collect' as const, 'interrupt' as const), place: fc.constantFrom('a' as const, 'b' as const), inGroup: fc.boolean(), drop: fc.constantFrom('summarize' as const, 'old' as const, 'new' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), sender }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), which: fc.nat(30) }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constantFrom('model' as const, 'end' as const, 'stop' as const, 'tick' as const, 'kill' as const) }) },
);

interface Turn {
  readonly item: InboxItem;
  ending?: boolean;
}

/** What the session workflow does with the queue's answers, in a few lines. */
class Session {
  queue: QueueState = { waiting: [], steering: [] };
  turn: Turn | undefined;
  now = 1_000;
  count = 0;
  readonly said: InboxItem[] = [];
  /** Run → the one state it ended in. */
  readonly ended = new Map<string, string>();
  /** In the order in which the model read them. */
  readonly read: InboxItem[] = [];

  end(run: string, state: string): void {
    expect(this.ended.get(run), `${run} ends twice`).toBeUndefined();
    this.ended.set(run, state);
  }

  state(): QueueState {
    return { waiting: this.queue.waiting, steering: this.queue.steering, ...(this.turn ? { running: { item: this.turn.item, inGroup: this.turn.item.rules?.inGroup === true, ...(this.turn.ending ? { ending: true } : {}) } } : {}) };
  }

  arrive(item: InboxItem): void {
    // The row of an ended run is terminal: taking it changes nothing.
    if (this.ended.has(item.run)) return;
    const done = arrive(this.state(), item);
    this.queue = { waiting: done.waiting, steering: done.steering };
    for (const { item: gone } of done.dropped) this.end(gone.run, 'dropped');
    if ((done.act === 'interrupt' || done.act === 'reset') && this.turn) this.turn.ending = true;
  }

  leave(state: string): void {
    this.end(this.turn!.item.run, state);
    this.turn = undefined;
    this.queue = afterTurn(this.queue);
  }

  act(): void {
    if (this.turn?.ending) this.leave('aborted');
    if (this.turn) return;
    const next = nextTurn(this.queue.waiting, this.now);
    if (next.act === 'reset') {
      this.queue = { ...this.queue, waiting: next.waiting };
      this.read.push(next.item);
      this.end(next.item.run, 'ok');
      this.act();
    } else if (next.act === 'start') {
      const [first, ...merged] = next.items;
      // No turn mixes conversations.
      expect(new Set(next.items.map((item) => item.rules!.place)).size).toBe(1);
      this.queue = { ...this.queue, waiting: next.waiting };
      // Only after a kill: a reset that came while the turn ran.
      this.turn = { item: first!, ending: next.waiting.some(isReset) };
      // A run that was begun has its row already.
      this.read.push(...next.items.filter((item) => !this.read.some((other) => other.run === item.run)));
      for (const item of merged) this.end(item.run, 'merged');
    }
  }

  /** Before a model call: what is to enter enters. */
  model(): void {
    if (!this.turn || this.turn.ending) return;
    for (const item of this.queue.steering) {
      // Nobody but its initiator and the owner touches a turn, and only from its own conversation.
      expect(item.role === 'owner' || item.principal === this.turn.item.principal).toBe(true);
      expect(item.rules!.place).toBe(this.turn.item.rules!.place);
      this.read.push(item);
      this.end(item.run, 'merged');
    }
    this.queue = { ...this.queue, steering: [] };
  }

  /** A new chain loads the rows: what was begun first, the rest in the order of acceptance. */
  kill(): void {
    const begun = this.turn?.item;
    this.turn = undefined;
    this.queue = { waiting: [], steering: [] };
    for (const item of this.said) if (item.run !== begun?.run && !this.ended.has(item.run)) this.arrive(item);
    if (begun) this.queue = { ...this.queue, waiting: [{ ...begun, mode: 'followup' }, ...this.queue.waiting] };
  }
}

function play(steps: readonly Step[]): Session {
  const s = new Session();
  for (const one of steps) {
    s.now += 50;
    switch (one.do) {
      case 'say':
      case 'reset': {
        s.count += 1;
        const owner = one.sender === 0;
        const say = one.do === 'say' ? one : { mode: 'followup' as const, place: 'a', inGroup: false, drop: 'new' as const };
        const item: InboxItem = {
          inboundId: `i${s.count}`, run: `r${s.count}`, principal: SENDERS[one.sender], role: owner ? 'owner' : 'guest', rights: SENDERS[one.sender], mode: say.mode, priority: owner ? 2 : 3, at: s.now,
          rules: { place: say.place, inGroup: say.inGroup, quietMs: 100, cap: CAP, drop: say.drop, ...(one.do === 'reset' ? { reset: true } : {}) },
        };
        s.said.push(item);
        s.arrive(item);
        break;
      }
      case 'repeat': {
        const item = s.said[one.which % Math.max(1, s.said.length)];
        if (item) s.arrive({ ...item });
        break;
      }
      case 'model':
        s.model();
        break;
      case 'end':
        if (s.turn) s.leave(s.turn.ending ? 'aborted' : 'ok');
        break;
      case 'stop':
        // Everything at once, queued turns too.
        for (const item of [...s.queue.waiting, ...s.queue.steering]) s.end(item.run, 'aborted');
        s.queue = { waiting: [], steering: [] };
        if (s.turn) s.leave('aborted');
        break;
      case 'tick':
        s.now += 400;
        break;
      case 'kill':
        s.kill();
    }
    s.act();
  }
  return s;
}

/** Nothing is forgotten: given time, everything ends. */
function drain(s: Session): void {
  for (let i = 0; i < 1_000 && (s.turn || s.queue.waiting.length > 0 || s.queue.steering.length > 0); i += 1) {
    s.now += 2_000;
    s.act();
    s.model();
    if (s.turn) s.leave(s.turn.ending ? 'aborted' : 'ok');
  }
}

test('every run ends in exactly one state, and nothing waits for ever', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const s = play(steps);
      drain(s);
      expect([...s.ended.keys()].toSorted()).toEqual(s.said.map((item) => item.run).toSorted());
    }),
    { numRuns: 5_000 },
  );
});

test('the model reads the messages of one sender in the order they were said, but for interrupts', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const s = play(steps);
      drain(s);
      for (const name of SENDERS) {
        const read = s.read.filter((item) => item.principal === name && !isReset(item) && item.mode !== 'interrupt');
        const times = read.map((item) => item.at);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }
    }),
    { numRuns: 5_000 },
  );
});

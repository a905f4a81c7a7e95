/** The in-process bus and the ring per run. */
import { describe, expect, test } from 'vitest';

import { createBus } from '../../src/bus/bus.js';
import { createRing } from '../../src/bus/ring.js';
import type { RunEvent, RunEventBody } from '../../src/core/events.js';

const event = (body: RunEventBody, at: Partial<RunEvent> = {}): RunEvent =>
  ({ session: 'agent:main:main', run: 'h1', runId: 'r1', step: 1, attempt: 1, at: 1, ...at, ...body }) as RunEvent;
const text = (delta: string, at: Partial<RunEvent> = {}): RunEvent => event({ type: 'text', delta }, at);

describe('bus', () => {
  test('a throwing listener hurts neither the publisher nor its neighbours', () => {
    const errors: unknown[] = [];
    const bus = createBus({
      onError: (error) => {
        errors.push(error);
        throw new Error('the reporter too');
      },
    });
    const heard: RunEvent[] = [];
    bus.subscribe(() => {
      throw new Error('bad listener');
    });
    bus.subscribe((e) => heard.push(e));
    bus.publish(text('a'));
    expect(heard).toHaveLength(1);
    expect(errors).toHaveLength(1);
  });

  test('unsubscribing inside a listener is safe and final', () => {
    const bus = createBus();
    let count = 0;
    const off = bus.subscribe(() => {
      count += 1;
      off();
    });
    bus.publish(text('a'));
    bus.publish(text('b'));
    expect(count).toBe(1);
  });
});

describe('fence', () => {
  const gen = 10_000;
  const heardBy = (): { bus: ReturnType<typeof createBus>; heard: string[] } => {
    const bus = createBus();
    const heard: string[] = [];
    bus.subscribe((e) => heard.push('delta' in e ? e.delta : 'text' in e ? e.text : e.type));
    return { bus, heard };
  };
  const call = { index: 0, tool: 'exec', callId: 'c' } as const;

  test('what an older attempt, generation or step still says of the model reaches nobody', () => {
    const { bus, heard } = heardBy();
    bus.publish(text('first', { attempt: gen + 1 }));
    bus.publish(event({ type: 'reset' }, { attempt: gen + 2 }));
    bus.publish(text('late', { attempt: gen + 1 }));
    bus.publish(text('second', { attempt: gen + 2 }));
    bus.publish(text('next step', { step: 2, attempt: gen + 1 }));
    bus.publish(event({ type: 'answer', stop: 'stop', usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }, text: 'late answer' }, { attempt: gen + 2 }));
    // A new chain goes on at the step its rows tell, which may be an earlier one.
    bus.publish(text('new chain', { step: 1, attempt: 2 * gen + 1 }));
    bus.publish(text('old chain', { step: 3, attempt: gen + 1 }));
    // Another run has its own attempts.
    bus.publish(text('other run', { run: 'h2', attempt: 1 }));
    bus.publish(event({ type: 'end', state: 'ok' }));
    bus.publish(text('after the end', { step: 1, attempt: 2 * gen + 1 }));
    expect(heard).toEqual(['first', 'reset', 'second', 'next step', 'new chain', 'other run', 'end']);
  });

  test('of a call, the newest attempt is heard, its result once', () => {
    const { bus, heard } = heardBy();
    const output = (delta: string, attempt: number): void => bus.publish(event({ type: 'tool-output', ...call, delta }, { attempt }));
    output('one', gen + 1);
    bus.publish(event({ type: 'tool-start', ...call, args: {} }, { attempt: gen + 2 }));
    output('late', gen + 1);
    output('two', gen + 2);
    bus.publish(event({ type: 'tool-end', ...call, isError: false, text: 'result' }, { attempt: gen + 2 }));
    bus.publish(event({ type: 'tool-end', ...call, isError: true, text: 'result of the old attempt' }, { attempt: gen + 1 }));
    output('after its end', gen + 2);
    output('neighbour', gen + 1);
    bus.publish(event({ type: 'tool-output', ...call, index: 1, delta: 'other call' }, { attempt: gen + 1 }));
    bus.publish(text('new chain', { step: 2, attempt: 2 * gen + 1 }));
    bus.publish(event({ type: 'tool-output', ...call, index: 1, delta: 'call of the old chain' }, { attempt: gen + 1 }));
    output('call of the new chain', 2 * gen + 1);
    expect(heard).toEqual(['one', 'tool-start', 'two', 'result', 'other call', 'new chain', 'call of the new chain']);
  });

  test('a row written by the older attempt is the result, also while the newer one runs', () => {
    const { bus, heard } = heardBy();
    bus.publish(event({ type: 'tool-start', ...call, args: {} }, { attempt: gen + 2 }));
    bus.publish(event({ type: 'tool-end', ...call, isError: false, text: 'result' }, { attempt: gen + 1 }));
    bus.publish(event({ type: 'tool-end', ...call, isError: false, text: 'again' }, { attempt: gen + 2 }));
    expect(heard).toEqual(['tool-start', 'result']);
  });
});

describe('ring', () => {
  const build = (options = {}) => {
    const bus = createBus();
    return { bus, ring: createRing(bus, options) };
  };

  test('text is what a reader of the current step would show', () => {
    const { bus, ring } = build();
    bus.publish(text('Hel'));
    bus.publish(text('lo'));
    expect(ring.text('h1')).toEqual({ runId: 'r1', step: 1, text: 'Hello' });
    bus.publish(event({ type: 'reset' }, { attempt: 2 }));
    bus.publish(text('late word of the old attempt'));
    bus.publish(text('Hi', { attempt: 2 }));
    expect(ring.text('h1')?.text).toBe('Hi');
    bus.publish(event({ type: 'tool-start', index: 0, tool: 'exec', callId: 'c', args: {} }, { attempt: 7 }));
    expect(ring.text('h1')?.text).toBe('Hi');
    bus.publish(text('Second', { step: 2 }));
    expect(ring.text('h1')).toEqual({ runId: 'r1', step: 2, text: 'Second' });
  });

  test('a lost reset does not glue two attempts together, a lost delta is healed by the answer', () => {
    const { bus, ring } = build();
    bus.publish(text('old'));
    bus.publish(text('new', { attempt: 2 }));
    expect(ring.text('h1')?.text).toBe('new');
    bus.publish(event({ type: 'answer', stop: 'stop', usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }, text: 'new and whole' }, { attempt: 2 }));
    expect(ring.text('h1')?.text).toBe('new and whole');
  });

  test('events, bytes and runs are bounded', () => {
    const { bus, ring } = build({ maxEvents: 3, maxRuns: 2 });
    for (const delta of ['a', 'b', 'c', 'd']) bus.publish(text(delta));
    expect(ring.events('h1').map((e) => (e.type === 'text' ? e.delta : ''))).toEqual(['b', 'c', 'd']);
    bus.publish(text('x', { run: 'h2' }));
    bus.publish(text('x', { run: 'h3' }));
    expect(ring.text('h1')).toBeUndefined();

    const small = build({ maxBytes: 1_000 });
    for (let i = 0; i < 100; i += 1) small.bus.publish(text('0123456789'));
    expect(small.ring.events('h1').length).toBeLessThan(8);
    expect(small.ring.text('h1')?.text).toHaveLength(1_000);
  });

  test('an ended run is forgotten some minutes later, a running one is not', () => {
    let now = 0;
    const { bus, ring } = build({ keepMs: 1_000, now: () => now });
    bus.publish(text('a'));
    bus.publish(event({ type: 'end', state: 'ok' }));
    bus.publish(text('b', { run: 'h2' }));
    now = 1_001;
    expect(ring.text('h1')).toBeUndefined();
    expect(ring.text('h2')?.text).toBe('b');
  });
});

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

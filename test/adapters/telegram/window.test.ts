/** How far may be confirmed: for any order of taking and finishing, never past what is not done and never into an album. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWindow } from '../../../src/adapters/telegram/window.js';

describe('the window of unconfirmed updates', () => {
  it('asks for nothing in particular before the first update', () => {
    expect(createWindow().offset()).toBeUndefined();
  });

  it('confirms up to the first that is not done', () => {
    const window = createWindow();
    expect(window.take([12, 10, 11])).toEqual([10, 11, 12]);
    window.done([10]);
    window.done([12]);
    expect([window.offset(), window.pending()]).toEqual([11, 1]);
    window.done([11]);
    expect([window.offset(), window.pending()]).toEqual([13, 0]);
  });

  it('takes an update once, also when it comes again after it was confirmed', () => {
    const window = createWindow();
    window.take([1, 2]);
    expect(window.take([1, 2, 3, 3])).toEqual([3]);
    window.done([1]);
    window.done([2]);
    window.done([3]);
    expect(window.take([2])).toEqual([]);
    expect(window.offset()).toBe(3);
    expect(window.take([3])).toEqual([]);
    expect(window.offset()).toBe(4);
  });

  it('follows when the numbers begin anew lower', () => {
    const window = createWindow();
    window.take([900]);
    window.done([900]);
    expect(window.take([5])).toEqual([5]);
    expect(window.offset()).toBe(5);
    window.done([5]);
    expect(window.offset()).toBe(6);
  });

  it('holds for any order', () => {
    const plan = fc.record({
      /** Sizes of items: 1 is an update, more an album. */
      sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 }),
      shuffle: fc.infiniteStream(fc.nat()),
      cuts: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(plan, ({ sizes, shuffle, cuts }) => {
        // Updates are numbered as they come; the parts of albums are strewn among the others.
        const slots = sizes.flatMap((size, item) => Array.from({ length: size }, () => item));
        const strewn = slots.map((item) => ({ item, at: shuffle.next().value })).toSorted((a, b) => a.at - b.at).map(({ item }) => item);
        const items = sizes.map((_, item) => strewn.flatMap((owner, index) => (owner === item ? [100 + index] : [])));
        const window = createWindow();
        const doneIds = new Set<number>();
        const taken = new Set<number>();
        const open = new Set(items.keys());
        let next = 100;
        let before = 0;
        while (next < 100 + strewn.length || open.size > 0) {
          const count = cuts[taken.size % Math.max(1, cuts.length)] ?? 3;
          const batch = Array.from({ length: Math.min(count, 100 + strewn.length - next) }, (_, index) => next + index);
          next += batch.length;
          for (const id of window.take(batch)) taken.add(id);
          const ready = [...open].filter((item) => items[item]!.every((id) => taken.has(id)));
          const pick = ready[(shuffle.next().value ?? 0) % Math.max(1, ready.length)];
          if (pick !== undefined) {
            window.done(items[pick]!);
            for (const id of items[pick]!) doneIds.add(id);
            open.delete(pick);
          }
          const offset = window.offset();
          if (offset === undefined) continue;
          for (let id = 100; id < offset; id++) expect(doneIds.has(id)).toBe(true);
          for (const ids of items) if (ids.every((id) => doneIds.has(id))) expect(ids.every((id) => id < offset) || ids.every((id) => id >= offset)).toBe(true);
          expect(offset).toBeGreaterThanOrEqual(before);
          before = offset;
        }
        expect(window.offset()).toBe(100 + strewn.length);
      }),
    );
  });
});

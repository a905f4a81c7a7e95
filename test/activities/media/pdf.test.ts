/** Text of PDFs; and that no file, whatever it holds, can hold up the process that reads it. */
import { describe, expect, it } from 'vitest';
import { createPdfReader, type PdfQuery } from '../../../src/activities/media/pdf.js';
import { encrypted, endless, inflating, loop, pagesOf, selfDrawing } from './pdfs.js';

const read = (bytes: Uint8Array, over: Partial<PdfQuery & { readonly signal: AbortSignal; readonly deadlineMs: number; readonly memoryMb: number }> = {}) =>
  createPdfReader({ deadlineMs: over.deadlineMs ?? 20_000, memoryMb: over.memoryMb ?? 512 })(bytes, { first: over.first ?? 1, count: over.count ?? 50, chars: over.chars ?? 16_000 }, over.signal ?? new AbortController().signal);
const texts = async (...args: Parameters<typeof read>): Promise<readonly string[]> => (await read(...args)).pages.map((page) => page.text);

describe('pages', () => {
  const book = pagesOf('one\nand a half', 'two', '', 'four');

  it('are read one by one, with their lines, from any page, as many as asked', async () => {
    expect(await read(book)).toMatchObject({ total: 4, first: 1, pages: [{ text: 'one\nand a half' }, { text: 'two' }, { text: '' }, { text: 'four' }] });
    expect(await texts(book, { first: 2, count: 1 })).toEqual(['two']);
    expect(await texts(book, { first: 5 })).toEqual([]);
  });

  it('past the characters that were asked for are not begun', async () => {
    expect(await texts(book, { chars: 1 })).toEqual(['one\nand a half']);
  });

  it('the bytes stay the caller’s: they can be read again', async () => {
    await read(book);
    expect(await texts(book, { first: 4 })).toEqual(['four']);
  });
});

describe('what is no readable PDF', () => {
  it.each([
    ['needs a password', encrypted(), /encrypted and needs a password/],
    ['is empty', Buffer.from('%PDF-1.4\n'), /damaged or no PDF/],
    ['is cut', pagesOf('one').subarray(0, 60), /damaged or no PDF/],
    ['goes round in circles', loop(), /damaged/],
  ])('one that %s is said to be so', async (_, bytes, words) => {
    await expect(read(bytes)).rejects.toMatchObject({ code: 'PDF_UNREADABLE', message: expect.stringMatching(words) });
  });

  it('a form that draws itself ends', async () => {
    expect((await read(selfDrawing())).total).toBe(1);
  });
});

describe('a hostile one', () => {
  it('that inflates to gigabytes is ended by its memory, which is never taken', async () => {
    const bomb = inflating(200);
    expect(bomb.length).toBeLessThan(1_000_000);
    const before = process.memoryUsage.rss();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss() - before)), 20);
    try {
      await expect(read(bomb, { memoryMb: 64 })).rejects.toMatchObject({ code: 'PDF_UNREADABLE', message: expect.stringContaining('more than 64 MB of memory') });
    } finally {
      clearInterval(watch);
    }
    expect(most / 1e6).toBeLessThan(400);
  });

  it('that takes too long is ended by its deadline, and the process goes on meanwhile', async () => {
    let ticks = 0;
    const clock = setInterval(() => (ticks += 1), 10);
    await expect(read(inflating(200), { deadlineMs: 400 })).rejects.toMatchObject({ message: 'The PDF cannot be read: it took longer than 0.4 s.' });
    clearInterval(clock);
    expect(ticks).toBeGreaterThan(5);
  });

  it('with a page that never seems to end is read as far as a page goes', async () => {
    const { pages } = await read(endless(20));
    expect(pages).toHaveLength(1);
    expect(pages[0]).toMatchObject({ cut: true, text: expect.stringMatching(/^all work and no play/) });
    expect(pages[0]!.text.length).toBeLessThanOrEqual(40_000);
  });

  it('does not keep others out for good: a third waits for one of two and is read', async () => {
    const reader = createPdfReader({ deadlineMs: 5_000, memoryMb: 512 });
    const query = { first: 1, count: 1, chars: 1 };
    const { signal } = new AbortController();
    const bomb = inflating(300);
    let over = 0;
    const slow = Promise.allSettled([1, 2].map(() => reader(bomb, query, signal).finally(() => (over += 1))));
    expect((await reader(pagesOf('third'), query, signal)).pages).toEqual([{ text: 'third' }]);
    expect(over).toBeGreaterThan(0);
    for (const { status } of await slow) expect(status).toBe('rejected');
  });
});

it('an attempt that is lost ends the thread with its own reason', async () => {
  const control = new AbortController();
  const reading = read(inflating(300), { signal: control.signal });
  control.abort(new Error('worker is stopping'));
  await expect(reading).rejects.toThrow('worker is stopping');
});

/**
 * Divides blocks into parts that fit: at the boundary of blocks where it can, else inside one (`cut.ts`).
 * Invariant: every part fits, each moves on, and loses nothing but white space and rules at its edges; the same blocks give the same parts.
 */
import type { Block, Point, Range } from './blocks.js';
import { cutCode, cutText, insidePair } from './cut.js';

/** A part shorter than this share of the limit is filled from the next block instead of being sent nearly empty. */
const FULL_ENOUGH = 0.25;
/** Looking for the last hundredth would cost as much writing again. */
const NEARLY_FULL = 0.01;

/** Length of a range when written, in the platform's unit; grows with the range. */
export type Size = (range: Range) => number;

export function split(blocks: readonly Block[], limit: number, size: Size): readonly Range[] {
  const ranges: Range[] = [];
  let from: Point = { block: 0, offset: 0 };
  for (;;) {
    // A rule divides what is no longer together.
    while (ranges.length > 0 && blocks[from.block]?.kind === 'rule') from = { block: from.block + 1, offset: 0 };
    if (from.block >= blocks.length) return ranges;
    const { to, next } = part(blocks, from, limit, size);
    ranges.push({ from, to });
    from = next;
  }
}

interface Cutoff {
  readonly to: Point;
  readonly next: Point;
}

function part(blocks: readonly Block[], from: Point, limit: number, size: Size): Cutoff {
  const { end, length } = wholeBlocks(blocks, from, limit, size);
  if (end === blocks.length) return atBlock(end);
  const next = blocks[end] as Block;
  // Code that one part can hold is not cut for it.
  const intact = next.kind === 'pre' && next.text.length <= limit && size({ from: { block: end, offset: 0 }, to: { block: end + 1, offset: 0 } }) <= limit;
  const worthFilling = length < limit * FULL_ENOUGH && !intact;
  if (end === from.block || worthFilling) {
    const inside = insideBlock(next, end, from, limit - length, limit, size);
    if (inside !== undefined) return inside;
  }
  return atBlock(withoutHeading(blocks, from.block, end));
}

const atBlock = (block: number): Cutoff => ({ to: { block, offset: 0 }, next: { block, offset: 0 } });

/** The most blocks that fit whole, and the length of their text. */
function wholeBlocks(blocks: readonly Block[], from: Point, limit: number, size: Size): { readonly end: number; readonly length: number } {
  const lengths: number[] = [];
  // Markup is never shorter than its text: the text bounds the search.
  let total = -from.offset;
  for (let at = from.block; at < blocks.length; at += 1) {
    total += (blocks[at] as Block).text.length;
    if (total > limit) break;
    lengths.push(total);
  }
  const count = most(lengths.length, limit, (blocksIn) => size({ from, to: { block: from.block + blocksIn, offset: 0 } }));
  return { end: from.block + count, length: count === 0 ? 0 : (lengths[count - 1] ?? 0) };
}

/** @returns undefined when nothing of the block fits behind what stands before it */
function insideBlock(block: Block, at: number, from: Point, room: number, limit: number, size: Size): Cutoff | undefined {
  const start = at === from.block ? from.offset : 0;
  const { text } = block;
  const longest = Math.min(text.length - start, Math.max(2, room));
  let max = start + most(longest, limit, (length) => size({ from, to: { block: at, offset: start + length } }));
  if (max > start && insidePair(text, max)) max -= 1;
  if (max === start) {
    if (at !== from.block) return undefined;
    // Not even one character: no limit in use is that small, but a part must move on.
    max = start + (insidePair(text, start + 1) ? 2 : 1);
  }
  const { end, next } = max >= text.length ? { end: text.length, next: text.length } : (block.kind === 'pre' ? cutCode : cutText)(text, start, max);
  return { to: { block: at, offset: end }, next: next >= text.length ? { block: at + 1, offset: 0 } : { block: at, offset: next } };
}

/** A heading goes with what it heads. */
function withoutHeading(blocks: readonly Block[], from: number, end: number): number {
  let at = end;
  while (at - 1 > from && (blocks[at - 1]?.kind === 'heading' || blocks[at - 1]?.kind === 'rule')) at -= 1;
  return at;
}

/**
 * About the largest number up to `high` whose size is within the limit: writing is what costs, so it is guessed from the sizes so
 * far, as along a line, and a part that is full but for a hundredth is full.
 */
function most(high: number, limit: number, size: (value: number) => number): number {
  let [good, goodSize, bad, badSize] = [0, 0, high, size(high)];
  if (badSize <= limit) return high;
  for (let round = 0; bad - good > 1 && limit - goodSize > limit * NEARLY_FULL; round += 1) {
    const line = good + Math.floor(((bad - good) * (limit - goodSize)) / (badSize - goodSize));
    // Every other time the middle: where sizes jump, lines only creep.
    const next = round % 2 === 0 ? Math.min(bad - 1, Math.max(good + 1, line)) : (good + bad) >> 1;
    const nextSize = size(next);
    if (nextSize <= limit) [good, goodSize] = [next, nextSize];
    else [bad, badSize] = [next, nextSize];
  }
  return good;
}

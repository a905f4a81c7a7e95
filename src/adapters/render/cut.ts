/**
 * Where a block that is too long is cut: after a sentence or line, else at a space, else between two characters as a reader sees them.
 * Invariant: a cut moves forward, never stands inside a surrogate pair, and leaves out nothing but white space.
 */

export interface Cut {
  /** The part ends here. */
  readonly end: number;
  /** The next one begins here. */
  readonly next: number;
}

/** @param max furthest end that fits, greater than `from`, and not inside a pair @returns a cut with `from < end <= max` */
export function cutText(text: string, from: number, max: number): Cut {
  // A sentence that ends in the first half would leave the part half empty, a word in the first quarter nearly so.
  const end = lastPlace(text, max, from + ((max - from) >> 1), isSentenceEnd) ?? lastPlace(text, max, from + ((max - from) >> 2), isWordEnd) ?? between(text, from, max);
  let next = end;
  while (next < text.length && isSpace(text[next])) next += 1;
  return { end, next };
}

/** Code keeps its white space; only the newline at the cut goes. */
export function cutCode(text: string, from: number, max: number): Cut {
  const end = lastPlace(text, max, from + ((max - from) >> 1), (_, at) => text[at] === '\n');
  if (end !== undefined) return { end, next: end + 1 };
  const hard = between(text, from, max);
  return { end: hard, next: hard };
}

/** The last place after `floor`, up to and including `max`. */
function lastPlace(text: string, max: number, floor: number, fits: (text: string, at: number) => boolean): number | undefined {
  for (let at = max; at > floor; at -= 1) if (fits(text, at)) return at;
  return undefined;
}

const isSpace = (char: string | undefined): boolean => char !== undefined && /\s/.test(char);
const isWordEnd = (text: string, at: number): boolean => isSpace(text[at]) && !isSpace(text[at - 1]);

function isSentenceEnd(text: string, at: number): boolean {
  if (text[at] === '\n') return true;
  // Scripts without spaces end their sentences with these.
  if (/[。！？]/.test(text[at - 1] ?? '')) return true;
  return isSpace(text[at]) && /[.!?…][)\]"'”’»]?$/.test(text.slice(at - 2, at));
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** A family of emoji has about eleven units; longer clusters are soup, and may be cut. */
const WINDOW = 32;

function between(text: string, from: number, max: number): number {
  let start = Math.max(from, max - WINDOW);
  if (start > from && insidePair(text, start)) start -= 1;
  const cluster = graphemes.segment(text.slice(start, max + WINDOW)).containing(max - start);
  const at = cluster === undefined ? max : start + cluster.index;
  return at > start ? at : max;
}

export const insidePair = (text: string, at: number): boolean => /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1));

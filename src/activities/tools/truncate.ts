/**
 * One way of cutting text that is too long for a prompt.
 *
 * Invariant: both ends are kept, the cut is marked with how much is missing and where all of it is, and the result is
 * never longer than the cap plus the mark.
 */

/** Characters of one tool result: about 4,600 tokens. Larger ones crowd out the conversation. */
export const TEXT_CAP = 16_000;

/**
 * @param head all of the text, or its beginning when `tail` is given
 * @param size bytes of the whole
 */
export function capParts(head: string, tail: string | undefined, size: number, reference?: string, cap: number = TEXT_CAP): string {
  if (tail === undefined && head.length <= cap) return head;
  const half = Math.floor(cap / 2);
  const first = cutEnd(head, half);
  const last = cutStart(tail ?? head, half);
  const missing = Math.max(0, size - Buffer.byteLength(first) - Buffer.byteLength(last));
  return `${first}\n[… ${missing} bytes left out${reference ? `; all of it: ${reference}` : ''} …]\n${last}`;
}

/** Cuts at a line if one ends near, and never between the halves of a surrogate pair. */
function cutEnd(text: string, length: number): string {
  const cut = text.slice(0, length);
  const line = cut.lastIndexOf('\n');
  if (line > length * 0.8) return cut.slice(0, line);
  return isHigh(cut.charCodeAt(cut.length - 1)) ? cut.slice(0, -1) : cut;
}

function cutStart(text: string, length: number): string {
  const cut = text.slice(-length);
  const line = cut.indexOf('\n');
  if (line >= 0 && line < length * 0.2) return cut.slice(line + 1);
  return isLow(cut.charCodeAt(0)) ? cut.slice(1) : cut;
}

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

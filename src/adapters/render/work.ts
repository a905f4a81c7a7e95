/**
 * What parsing a piece of Markdown will cost, estimated from its lines alone. The parser is linear in ordinary text and
 * worse than that in deep nesting and in brackets and stars without partners.
 * Invariant: the estimate costs one pass; text that comes in is never a reason to parse for minutes or to exhaust the stack.
 */

/** Microseconds, measured on a slow machine: of a character, a line (for each level of nesting), and a pair of delimiters. */
const A_CHARACTER = 5;
const A_LINE = 20;
const A_PAIR = 0.006;
/** The parser recurses into containers: a few thousand exhaust the stack. People stop at five. */
const MAX_NESTING = 50;

/** A run of lines without a blank one, or a fence with all that is in it: nothing in it is parsed together with what is outside, except as a list goes on. */
export interface Piece {
  readonly text: string;
  /** Microseconds; infinite where it may not be parsed at all. */
  readonly work: number;
}

export function pieces(markdown: string): readonly Piece[] {
  const out: Piece[] = [];
  let lines: string[] = [];
  let fence: string | undefined;
  const end = (): void => {
    if (lines.length > 0) out.push({ text: lines.join('\n'), work: workOf(lines) });
    lines = [];
  };
  for (const line of markdown.split('\n')) {
    lines.push(line);
    const [, mark, rest] = /^[\s>*+-]{0,40}(`{3,}|~{3,})(.*)/.exec(line) ?? [];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true && rest?.trim() === '') fence = undefined;
    } else if (mark !== undefined && !(mark.startsWith('`') && rest?.includes('`') === true)) fence = mark;
    else if (line.trim() === '') end();
  }
  end();
  return out;
}

function workOf(lines: readonly string[]): number {
  let [characters, delimiters, nesting] = [0, 0, 0];
  for (const line of lines) {
    characters += line.length;
    delimiters += count(line, /[[\]*_~]/g);
    nesting = Math.max(nesting, nestingOf(line));
  }
  return nesting > MAX_NESTING ? Number.POSITIVE_INFINITY : characters * A_CHARACTER + lines.length * (1 + nesting) * A_LINE + delimiters ** 2 * A_PAIR;
}

/** Signs of quotes and lists at the beginning; a list may be nested by its indentation alone. */
function nestingOf(line: string): number {
  const start = /^(?:[ \t]*(?:>|[-*+](?=\s|$)|\d{1,9}[.)](?=\s|$)))+/.exec(line)?.[0];
  if (start === undefined) return 0;
  return count(start, />|[-*+]|[.)]/g) + Math.floor((/^\s*/.exec(start)?.[0].length ?? 0) / 2);
}

const count = (text: string, sign: RegExp): number => text.match(sign)?.length ?? 0;

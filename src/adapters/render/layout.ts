/**
 * Writes a range of blocks in a platform's markup.
 * Invariant: what it writes is complete in itself: whatever the range, every mark, quote and fence in it is opened and
 * closed in it, and a block that began in an earlier part keeps its indentation but not its marker.
 */
import type { Block, Container, Range, Span, Style } from './blocks.js';
import type { Emitter, LinkMarkup, Mark } from './emitter.js';

/** @param maxPrefix width of indentation and quote signs; the outer ones of a deeper nesting are left out */
export function layout(blocks: readonly Block[], range: Range, emitter: Emitter, maxPrefix: number): string {
  let out = '';
  let quote: Container | undefined;
  let before: Block | undefined;
  const last = range.to.offset > 0 ? range.to.block : range.to.block - 1;
  for (let at = range.from.block; at <= last; at += 1) {
    const block = blocks[at] as Block;
    const from = at === range.from.block ? range.from.offset : 0;
    const to = at === range.to.block ? range.to.offset : block.text.length;
    const prefix = prefixes(block, from === 0, emitter, maxPrefix);
    const around = emitter.quote.kind === 'range' ? block.within.find((container) => container.type === 'quote') : undefined;
    if (quote !== undefined && quote !== around && emitter.quote.kind === 'range') out += emitter.quote.close;
    if (before !== undefined) out += between(before, block, emitter, maxPrefix);
    out += prefix.outside;
    if (around !== undefined && around !== quote && emitter.quote.kind === 'range') out += emitter.quote.open;
    out += block.kind === 'pre' ? preLines(block.text.slice(from, to), block.language, prefix, emitter) : textLines(block, from, to, prefix, emitter);
    quote = around;
    before = block;
  }
  return quote !== undefined && emitter.quote.kind === 'range' ? out + emitter.quote.close : out;
}

interface Prefixes {
  /** A list marker before a quote that is a range. */
  readonly outside: string;
  readonly first: string;
  readonly rest: string;
  /** The quote signs alone, for code that is not indented. */
  readonly quotes: string;
}

function prefixes(block: Block, atStart: boolean, emitter: Emitter, maxPrefix: number): Prefixes {
  let [outside, first, rest, quotes] = ['', '', '', ''];
  let ranged = false;
  for (const [at, container] of block.within.entries()) {
    if (container.type === 'item') {
      const pad = ' '.repeat(container.marker.length + 1);
      first += atStart && at >= block.opened ? `${container.marker} ` : pad;
      rest += pad;
    } else if (emitter.quote.kind === 'prefix') {
      first += emitter.quote.prefix;
      rest += emitter.quote.prefix;
      quotes += emitter.quote.prefix;
    } else if (!ranged) {
      [ranged, outside, first, rest] = [true, first, '', ''];
    }
  }
  const capped = (text: string): string => (text.length > maxPrefix ? text.slice(text.length - maxPrefix) : text);
  return { outside: outside.trim() === '' ? '' : capped(outside), first: capped(first), rest: capped(rest), quotes: capped(quotes) };
}

/** From the end of a block to the beginning of the next; an empty line inside a quote has its sign. */
function between(before: Block, block: Block, emitter: Emitter, maxPrefix: number): string {
  if (block.gap === 1) return '\n';
  const shared = block.within.filter((container, at) => before.within[at] === container);
  return `\n${prefixes({ ...block, within: shared }, false, emitter, maxPrefix).rest.trimEnd()}\n`;
}

function preLines(code: string, language: string | undefined, prefix: Prefixes, emitter: Emitter): string {
  const lines = emitter.pre(code, language);
  if (emitter.preIndented) return prefix.first + lines.replaceAll('\n', `\n${prefix.rest}`);
  // A marker stands on a line of its own above code that has no indentation.
  const marker = prefix.first.trim() === prefix.quotes.trim() ? '' : `${prefix.first.trimEnd()}\n`;
  return marker + prefix.quotes + lines.replaceAll('\n', `\n${prefix.quotes}`);
}

/** Marks end with the line and begin again on the next: a prefix between is never inside one. */
function textLines(block: Block, from: number, to: number, prefix: Prefixes, emitter: Emitter): string {
  if (from >= to) return prefix.first.trimEnd();
  const pen = inlinePen(emitter);
  let out = prefix.first + (block.kind === 'heading' ? emitter.heading(block.depth ?? 1) : '');
  let start = 0;
  for (let at = 0; at < block.spans.length; at += 1) {
    const span = block.spans[at] as Span;
    const end = start + span.text.length;
    if (end > from) {
      const text = span.text.slice(Math.max(0, from - start), to - start);
      for (let line = 0, newline = text.indexOf('\n'); ; newline = text.indexOf('\n', line)) {
        const words = newline < 0 ? text.slice(line) : text.slice(line, newline);
        if (words !== '') out += pen.write(words, span.style, block.kind === 'rule');
        if (newline < 0) break;
        out += `${pen.close(true)}\n${prefix.rest}`;
        line = newline + 1;
      }
      if (end >= to) return out + pen.close(endsLink(span, block.spans[at + 1], end === to));
    }
    start = end;
  }
  return out + pen.close(true);
}

const endsLink = (span: Span, next: Span | undefined, whole: boolean): boolean => whole && span.style.link !== next?.style.link;

/** Opens and closes marks as the style changes, the link outermost. */
function inlinePen(emitter: Emitter): { write(text: string, style: Style, raw: boolean): string; close(linkEnds: boolean): string } {
  let link: Style['link'];
  let markup: LinkMarkup | undefined;
  let open: readonly Mark[] = [];
  const unmark = (keep: number): string => {
    if (open.length === keep) return '';
    const closed = open.slice(keep).toReversed().map((mark) => emitter.marks[mark].close).join('');
    open = open.slice(0, keep);
    return closed;
  };
  const close = (linkEnds: boolean): string => {
    const out = unmark(0) + ((linkEnds ? markup?.close : markup?.cut) ?? '');
    [link, markup] = [undefined, undefined];
    return out;
  };
  return {
    close,
    write(text, style, raw) {
      let out = style.link === link ? '' : close(true);
      if (style.link !== link && style.link !== undefined) {
        [link, markup] = [style.link, emitter.link(style.link.url, style.link.bare)];
        out += markup.open;
      }
      let keep = 0;
      while (keep < open.length && open[keep] === style.marks[keep]) keep += 1;
      out += unmark(keep);
      for (; keep < style.marks.length; keep += 1) out += emitter.marks[style.marks[keep] as Mark].open;
      open = style.marks;
      if (raw) return out + text;
      return out + (style.code ? emitter.code(text) : emitter.escape(text));
    },
  };
}

/**
 * From the inline nodes of a tree to styled spans. Anything else that stands among them, known or not, becomes its text.
 * Invariant: no visible character of a node is lost, whatever the nodes; a label and inline code hold no newline.
 */
import type { Span, Style } from './blocks.js';
import { MARKS, PLAIN } from './blocks.js';
import type { Emitter, Mark } from './emitter.js';
import { besideLabel, cleanUrl, isBare } from './links.js';
import { allText, type Node, type References } from './nodes.js';
import { clean, isVisible } from './text.js';

/** Deeper ones become their text: the call stack is finite and no reader tells thirty marks apart. */
const MAX_DEPTH = 30;

export interface InlineContext {
  readonly emitter: Emitter;
  readonly references: References;
  /** Longer addresses are written as text, which can be split. */
  readonly maxUrl: number;
}

export function inlineSpans(nodes: readonly Node[], context: InlineContext, style: Style = PLAIN): readonly Span[] {
  const out: Span[] = [];
  walkAll(nodes, style, context, out, 0);
  return merged(out);
}

/** Spans as one line of text, addresses beside their labels: for table cells. */
export const oneLine = (spans: readonly Span[]): string =>
  spans.map(({ text, style }, at) => (style.link !== undefined && style.link !== spans[at + 1]?.style.link && !style.link.bare ? `${text} (${style.link.url})` : text)).join('').replace(/\s+/g, ' ').trim();

export const textSpans = (text: string, style: Style = PLAIN): readonly Span[] => (text === '' ? [] : [{ text, style }]);

/** `<u>` and `</u>` are siblings in the tree: what stands between a pair is underlined. */
function walkAll(nodes: readonly Node[], style: Style, context: InlineContext, out: Span[], depth: number): void {
  const lastClosing = nodes.findLastIndex((node) => isTag(node, /^<\/u>$/i));
  let open = false;
  for (const [at, node] of nodes.entries()) {
    if (!open && at < lastClosing && isTag(node, /^<u>$/i)) open = true;
    else if (open && isTag(node, /^<\/u>$/i)) open = false;
    else walk(node, open ? withMark(style, 'underline') : style, context, out, depth);
  }
}

function walk(node: Node, style: Style, context: InlineContext, out: Span[], depth: number): void {
  if (depth > MAX_DEPTH) return push(out, allText(node), style);
  const inside = (inner: Style): void => walkAll(node.children ?? [], inner, context, out, depth + 1);
  switch (node.type) {
    case 'text':
      return push(out, node.value ?? '', style);
    case 'emphasis':
      return inside(withMark(style, 'italic'));
    case 'strong':
      return inside(withMark(style, 'bold'));
    case 'delete':
      return inside(withMark(style, 'strike'));
    case 'inlineCode':
      return push(out, (node.value ?? '').replace(/\s*\n\s*/g, ' '), codeStyle(style, context.emitter));
    case 'break':
      return push(out, '\n', style);
    case 'html':
      return push(out, isTag(node, /^<br\s*\/?>$/i) ? '\n' : (node.value ?? ''), style);
    case 'footnoteDefinition': // shown at the end
      return;
    case 'footnoteReference':
      return push(out, `[${context.references.footnote(node)}]`, style);
    case 'link':
      return link(node, node.url ?? '', node.children ?? [], style, context, out, depth);
    case 'image':
      return link(node, node.url ?? '', imageLabel(node), style, context, out, depth);
    case 'linkReference':
      return link(node, context.references.url(node), node.children ?? [], style, context, out, depth);
    case 'imageReference':
      return link(node, context.references.url(node), imageLabel(node), style, context, out, depth);
    default:
      if (node.children === undefined) return push(out, allText(node), style);
      return inside(style);
  }
}

/** The outermost link wins: no platform has links inside links. */
function link(node: Node, address: string, label: readonly Node[], style: Style, context: InlineContext, out: Span[], depth: number): void {
  if (style.link !== undefined) return walkAll(label, style, context, out, depth + 1);
  const url = cleanUrl(address);
  const linked = url !== '' && Math.max(url.length, context.emitter.measure(url)) <= context.maxUrl && context.emitter.linkable(url);
  const made = { url, bare: false };
  const before = out.length;
  walkAll(label, linked ? { ...style, link: made } : style, context, out, depth + 1);
  const text = out.slice(before).map((span) => span.text).join('');
  const visible = isVisible(text);
  if (!linked) return push(out, visible ? besideLabel(text, url) : url, style);
  made.bare = !visible || isBare(text, url);
  if (!visible) push(out, url, { ...style, link: made });
  else if (trimmedEnd(out, before)) push(out, ' ', style);
}

/** A label ends with a character, so that a cut behind it does not leave the end of the link in the white space it skips. */
function trimmedEnd(out: Span[], from: number): boolean {
  let trimmed = false;
  for (let last = out.at(-1); last !== undefined && out.length > from && /\s$/.test(last.text); last = out.at(-1)) {
    trimmed = true;
    const text = last.text.trimEnd();
    out.splice(-1, 1, ...(text === '' ? [] : [{ text, style: last.style }]));
  }
  return trimmed;
}

const imageLabel = (node: Node): readonly Node[] => [{ type: 'text', value: isVisible(node.alt ?? '') ? (node.alt ?? '') : 'image' }];

const isTag = (node: Node, tag: RegExp): boolean => node.type === 'html' && tag.test(node.value ?? '');

/** Where code stands alone it gives way to a link, which says more. */
function codeStyle(style: Style, emitter: Emitter): Style {
  if (!emitter.codeAlone) return { ...style, code: true };
  return style.link === undefined ? { marks: [], code: true } : style;
}

export function withMark(style: Style, mark: Mark): Style {
  return style.marks.includes(mark) ? style : { ...style, marks: MARKS.filter((other) => other === mark || style.marks.includes(other)) };
}

function push(out: Span[], value: string, style: Style): void {
  const text = clean(value);
  if (text !== '') out.push({ text: style.link === undefined ? text : text.replace(/\s*\n\s*/g, ' '), style });
}

/** Text nodes beside each other, as trees of other makers have them. */
function merged(spans: readonly Span[]): readonly Span[] {
  const out: Span[] = [];
  for (const span of spans) {
    const last = out.at(-1);
    if (last !== undefined && same(last.style, span.style)) out[out.length - 1] = { text: last.text + span.text, style: span.style };
    else out.push(span);
  }
  return out;
}

const same = (a: Style, b: Style): boolean => a === b || (a.code === b.code && a.link === b.link && a.marks.length === b.marks.length && a.marks.every((mark, at) => mark === b.marks[at]));

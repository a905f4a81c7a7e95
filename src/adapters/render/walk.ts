/**
 * The one walker: a tree of Markdown becomes a flat list of blocks (`blocks.ts`), in the words of a platform's emitter.
 * Every node of GFM is handled; an unknown one becomes its text.
 * Invariant: it takes any tree: misplaced nodes, missing fields, any depth.
 */
import type { Root } from 'mdast';

import { PLAIN, type Block, type Container, type Span } from './blocks.js';
import { inlineSpans, textSpans, withMark, type InlineContext } from './inline.js';
import { allText, isFlow, references, type Node } from './nodes.js';
import { tableText } from './table.js';
import { clean, isVisible } from './text.js';

/** Deeper blocks become their text: the call stack is finite, and so is the width of a screen. */
const MAX_DEPTH = 30;

/** Where a block stands. */
interface Place {
  readonly within: readonly Container[];
  /** Blank lines between the blocks here. */
  readonly loose: boolean;
  /** Before the first of them. */
  readonly gap: 1 | 2;
  readonly depth: number;
  /** How many lists are around: chooses the bullet. */
  readonly lists: number;
}

interface Walk extends InlineContext {
  readonly out: Block[];
  readonly opened: Set<Container>;
}

/** @param maxUrl longer addresses are written as text */
export function walk(root: Root, emitter: InlineContext['emitter'], maxUrl: number): readonly Block[] {
  const tree = root as Node;
  const to: Walk = { emitter, maxUrl, references: references(tree), out: [], opened: new Set() };
  const top: Place = { within: [], loose: true, gap: 2, depth: 0, lists: 0 };
  flow(tree.children ?? [], top, to);
  for (const note of to.references.footnotes) {
    const item: Container = { type: 'item', marker: `[${to.references.footnote(note)}]` };
    filled(note.children ?? [], { ...top, within: [item] }, to);
  }
  return to.out;
}

function flow(nodes: readonly Node[], place: Place, to: Walk): void {
  let gap = place.gap;
  for (let at = 0; at < nodes.length; at += 1) {
    const here: Place = { ...place, gap };
    const before = to.out.length;
    if (isBlock(nodes[at] as Node)) block(nodes[at] as Node, here, to);
    else {
      // Inline nodes among blocks belong to no paragraph: they make one.
      let end = at + 1;
      while (end < nodes.length && !isBlock(nodes[end] as Node)) end += 1;
      text('text', inlineSpans(nodes.slice(at, end), to), here, to);
      at = end - 1;
    }
    if (to.out.length > before) gap = place.loose ? 2 : 1;
  }
}

/** An unknown node with blocks in it is a container; else it is inline. */
const isBlock = (node: Node): boolean => isFlow(node) || node.type === 'html' || node.type === 'root' || (node.children ?? []).some(isFlow);

function block(node: Node, place: Place, to: Walk): void {
  if (place.depth > MAX_DEPTH) return text('text', textSpans(clean(allText(node))), place, to);
  const inside: Place = { ...place, depth: place.depth + 1 };
  switch (node.type) {
    case 'paragraph':
    case 'tableCell':
      return text('text', inlineSpans(node.children ?? [], to), place, to);
    case 'heading':
      return heading(node, place, to);
    case 'code':
    case 'yaml':
      return pre(clean(node.value ?? ''), node.lang, place, to);
    case 'html':
      return text('text', inlineSpans([node], to), place, to);
    case 'table':
      return pre(tableText(node, to), undefined, place, to);
    case 'thematicBreak':
      return add({ kind: 'rule', text: to.emitter.rule, spans: textSpans(to.emitter.rule) }, place, to);
    case 'blockquote':
      return flow(node.children ?? [], { ...inside, within: [...place.within, { type: 'quote' }], loose: true }, to);
    case 'list':
      return list(node, inside, to);
    case 'listItem':
      return list({ type: 'list', children: [node] }, inside, to);
    case 'definition':
    case 'footnoteDefinition': // shown at the end
      return;
    default:
      return flow(node.children ?? [], inside, to);
  }
}

function list(node: Node, place: Place, to: Walk): void {
  const { bullets, task } = to.emitter;
  const bullet = bullets[Math.min(place.lists, bullets.length - 1)] ?? '-';
  const start = Number.isSafeInteger(node.start) ? (node.start as number) : 1;
  let gap = place.gap;
  for (const [at, item] of (node.children ?? []).entries()) {
    const number = node.ordered === true ? `${start + at}.` : undefined;
    const box = typeof item.checked === 'boolean' ? task(item.checked) : undefined;
    const marker = [number, box].filter((part) => part !== undefined).join(' ') || bullet;
    const within: readonly Container[] = [...place.within, { type: 'item', marker }];
    filled(item.type === 'listItem' ? (item.children ?? []) : [item], { ...place, within, gap, loose: item.spread === true, lists: place.lists + 1 }, to);
    gap = node.spread === true ? 2 : 1;
  }
}

/** An item without content still shows its marker. */
function filled(nodes: readonly Node[], place: Place, to: Walk): void {
  const before = to.out.length;
  flow(nodes, place, to);
  if (to.out.length === before) add({ kind: 'text', text: '', spans: [] }, place, to);
}

function heading(node: Node, place: Place, to: Walk): void {
  const depth = Math.min(6, Math.max(1, Math.trunc(Number(node.depth ?? 1)) || 1));
  const style = to.emitter.heading(depth) === '' ? withMark(PLAIN, 'bold') : PLAIN;
  const spans = inlineSpans(node.children ?? [], to, style).map((span) => ({ ...span, text: span.text.replaceAll('\n', ' ') }));
  text('heading', spans, place, to, depth);
}

function text(kind: 'text' | 'heading', spans: readonly Span[], place: Place, to: Walk, depth?: number): void {
  const whole = spans.map((span) => span.text).join('');
  if (isVisible(whole)) add({ kind, text: whole, spans, ...(depth === undefined ? {} : { depth }) }, place, to);
}

function pre(code: string, lang: string | null | undefined, place: Place, to: Walk): void {
  if (!isVisible(code)) return;
  const language = /^[\w+#.-]{1,16}/.exec(lang ?? '')?.[0];
  add({ kind: 'pre', text: code, spans: textSpans(code), ...(language === undefined ? {} : { language }) }, place, to);
}

function add(block: Omit<Block, 'within' | 'opened' | 'gap'>, place: Place, to: Walk): void {
  const fresh = place.within.findIndex((container) => !to.opened.has(container));
  for (const container of place.within) to.opened.add(container);
  to.out.push({ ...block, within: place.within, opened: fresh < 0 ? place.within.length : fresh, gap: place.gap });
}

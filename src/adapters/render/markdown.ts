/**
 * A model's Markdown (GFM) as a tree, the canonical rich text of the house.
 * Invariant: it never throws, takes no more than a few seconds whatever the text is, and loses nothing: what would cost too
 * much to parse is in the tree as the text it is. Equal text gives an equal tree, without positions (it is stored).
 */
import type { Paragraph, Root, RootContent } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';

import { everyNode, type Node } from './nodes.js';
import { pieces } from './work.js';

/** Microseconds of estimated work: about 400 KB of ordinary text, a hundred messages of any platform. */
const BUDGET = 2_000_000;

const OPTIONS = { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] };

export function parseMarkdown(markdown: string): Root {
  const text = markdown.toWellFormed().replaceAll('\r\n', '\n');
  return { type: 'root', children: groups(text).flatMap((group) => (group.parse ? parsed(group.text) : [literal(group.text)])) };
}

/** Neighbours are parsed together, so that what is affordable (nearly always: all) is parsed as a whole. */
function groups(text: string): readonly { readonly text: string; readonly parse: boolean }[] {
  const out: { text: string; parse: boolean }[] = [];
  let left = BUDGET;
  for (const piece of pieces(text)) {
    const parse = piece.work <= left;
    if (parse) left -= piece.work;
    const last = out.at(-1);
    if (last?.parse === parse) last.text += `\n${piece.text}`;
    else out.push({ text: piece.text, parse });
  }
  return out;
}

function parsed(text: string): readonly RootContent[] {
  try {
    const root = fromMarkdown(text, OPTIONS);
    for (const node of everyNode(root as Node)) delete (node as { position?: unknown }).position;
    return root.children;
  } catch {
    return [literal(text)];
  }
}

const literal = (text: string): Paragraph => ({ type: 'paragraph', children: [{ type: 'text', value: text.trim() }] });

/**
 * What the walker makes of a tree: a flat list of blocks, each a plain text with styles over it and the quotes and list
 * items around it. Between walking and writing there is no markup, so a cut is a cut of plain text: every
 * mark, quote and fence is closed and opened again by writing the two halves.
 */
import type { Mark } from './emitter.js';

/** Compared by identity: two blocks of one list item share the object. */
export type Container =
  | { readonly type: 'quote' }
  | { readonly type: 'item'; readonly marker: string };

/** Compared by identity: the spans of one label share the object. */
export interface Link {
  readonly url: string;
  /** The label is the address itself. */
  readonly bare: boolean;
}

export interface Style {
  /** In the order of MARKS. */
  readonly marks: readonly Mark[];
  readonly code: boolean;
  readonly link?: Link;
}

export interface Span {
  /** Not empty; well-formed; a label and inline code have no newline. */
  readonly text: string;
  readonly style: Style;
}

export interface Block {
  readonly kind: 'text' | 'heading' | 'pre' | 'rule';
  /** The text of all spans. */
  readonly text: string;
  readonly spans: readonly Span[];
  /** Outermost first. */
  readonly within: readonly Container[];
  /** How many of `within` an earlier block has opened. */
  readonly opened: number;
  /** Newlines before it: 2 is a blank line. */
  readonly gap: 1 | 2;
  /** 1 to 6, of a heading. */
  readonly depth?: number;
  readonly language?: string;
}

/** A place between two characters of the blocks. */
export interface Point {
  readonly block: number;
  readonly offset: number;
}

export interface Range {
  readonly from: Point;
  /** Exclusive; at offset 0 the block itself is not part of it. */
  readonly to: Point;
}

export const MARKS: readonly Mark[] = ['bold', 'italic', 'underline', 'strike'];

export const PLAIN: Style = { marks: [], code: false };

/**
 * What a platform's markup is: strings for marks and blocks, its escapes, its measure and its limit. The walker, the
 * layout and the splitting are shared; a new platform is one record of this shape.
 * Invariant: an emitter only writes; it never decides where a part ends, so nothing of it can be cut in two.
 */

export type Mark = 'bold' | 'italic' | 'underline' | 'strike';

export interface Pair {
  readonly open: string;
  readonly close: string;
}

export interface LinkMarkup extends Pair {
  /** In place of `close` where the label goes on in the next part. */
  readonly cut: string;
}

/** A quote is a range with a beginning and an end, or a prefix of each of its lines. */
export type QuoteMarkup = ({ readonly kind: 'range' } & Pair) | { readonly kind: 'prefix'; readonly prefix: string };

export interface Emitter {
  /** Name of the markup, stored with the frozen part. */
  readonly format: string;
  /** The platform's own limit, in the unit of `measure`. */
  readonly limit: number;
  /** Length of a part as the platform counts it; never less for more markup. */
  readonly measure: (markup: string) => number;
  readonly escape: (text: string) => string;
  readonly marks: Readonly<Record<Mark, Pair>>;
  readonly code: (text: string) => string;
  /** Inline code takes no other mark, and none may surround it. */
  readonly codeAlone: boolean;
  /** A code block or table, without the newline after it. @param language letters, digits and `+#._-` */
  readonly pre: (code: string, language: string | undefined) => string;
  /** The lines of a code block are indented with the list item they belong to. */
  readonly preIndented: boolean;
  /** The platform makes a link of such an address; if not, it is written as text beside its label. */
  readonly linkable: (url: string) => boolean;
  /** @param bare the label is the address itself */
  readonly link: (url: string, bare: boolean) => LinkMarkup;
  readonly quote: QuoteMarkup;
  /** Before the text of a heading; '' makes it bold. @param depth 1 to 6 */
  readonly heading: (depth: number) => string;
  /** By depth of nesting; the last one serves all deeper levels. */
  readonly bullets: readonly string[];
  readonly task: (done: boolean) => string;
  readonly rule: string;
}

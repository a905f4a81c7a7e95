/**
 * Trees as they come: of our parser, of another version, of a store. The walker asks for what a node has, not for what
 * its type promises, so no tree makes it throw.
 * Invariant: nothing here recurses, so a tree may be as deep as it likes.
 */
export interface Node {
  readonly type: string;
  readonly children?: readonly Node[];
  readonly value?: string;
  readonly alt?: string | null;
  readonly url?: string;
  readonly identifier?: string;
  readonly label?: string | null;
  readonly depth?: number;
  readonly lang?: string | null;
  readonly ordered?: boolean | null;
  readonly start?: number | null;
  readonly spread?: boolean | null;
  readonly checked?: boolean | null;
  readonly align?: readonly (string | null)[] | null;
}

const FLOW: ReadonlySet<string> = new Set(['blockquote', 'code', 'footnoteDefinition', 'heading', 'list', 'listItem', 'paragraph', 'table', 'tableRow', 'tableCell', 'thematicBreak', 'yaml', 'definition']);

export const isFlow = (node: Node): boolean => FLOW.has(node.type);

/** Every node, parents first, in the order of the text. */
export function* everyNode(root: Node): Generator<Node> {
  const open: Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    yield node;
    const children = node.children ?? [];
    for (let at = children.length - 1; at >= 0; at -= 1) open.push(children[at] as Node);
  }
}

/** The text of a node without its markup: a line for each block. */
export function allText(root: Node): string {
  let text = '';
  for (const node of everyNode(root)) {
    if (isFlow(node) && text !== '' && !text.endsWith('\n')) text += '\n';
    text += node.type === 'break' ? '\n' : (node.value ?? node.alt ?? '');
  }
  return text;
}

export interface References {
  /** The address a reference means; '' when nothing defines it. */
  readonly url: (reference: Node) => string;
  /** Number of a footnote, in the order in which the text refers to them, then the others. */
  readonly footnote: (node: Node) => number;
  readonly footnotes: readonly Node[];
}

export function references(root: Node): References {
  const urls = new Map<string, string>();
  const numbers = new Map<string, number>();
  const footnotes: Node[] = [];
  const number = (node: Node): number => {
    const found = numbers.get(name(node)) ?? numbers.size + 1;
    numbers.set(name(node), found);
    return found;
  };
  for (const node of everyNode(root)) {
    if (node.type === 'definition' && !urls.has(name(node))) urls.set(name(node), node.url ?? '');
    else if (node.type === 'footnoteReference') number(node);
    else if (node.type === 'footnoteDefinition') footnotes.push(node);
  }
  footnotes.forEach(number);
  return {
    url: (reference) => urls.get(name(reference)) ?? '',
    footnote: (node) => numbers.get(name(node)) ?? 0,
    footnotes: footnotes.toSorted((a, b) => (numbers.get(name(a)) ?? 0) - (numbers.get(name(b)) ?? 0)),
  };
}

const name = (node: Node): string => (node.identifier ?? node.label ?? '').toLowerCase();

/** Random input for the renderer: text that is nearly Markdown, and trees that no parser would make. Fixed seeds: a failure is found again. */
import * as fc from 'fast-check';
import type { Root } from 'mdast';

const SNIPPETS = [
  '**', '*', '_', '~~', '`', '```', '```ts\n', '~~~\n', '\n', '\n\n', '\n', ' ', '    ', '> ', '>> ', '- ', '* ', '1. ', '12) ', '- [x] ', '# ', '### ', '---\n', '|a|b|\n|-|-|\n|c|d|\n', '| ',
  '[', '](', ')', '](https://a.example/x?y=1&z="2")', '![alt](https://a.example/i.png)', '<https://b.example>', 'https://c.example/path_(x)', 'me@a.example', '[^n]', '\n[^n]: note\n', '\n[ref]: https://d.example\n', '[ref]',
  '<b>', '</b>', '<u>', '</u>', '<br>', '<!-- c -->', '&amp;', '&lt;', '&#x1f600;', '&', '<', '>', '"', '\\', '\\*', '. ', '! ', '。',
  '😀', '👨‍👩‍👧‍👦', 'é', 'e\u0301', '日本語', 'שלום', '\ud83d', '\ude00', '\u0000', '\u200b', '\u202e', '\u2028', '\r\n', '\t', '\u00a0', '\u2800',
  'word', 'Sentence one. Sentence two! ', 'const a = b < c && d > e;\n', 'x'.repeat(90), 'lorem ipsum dolor sit amet '.repeat(6),
];

export const soup: fc.Arbitrary<string> = fc.array(fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...SNIPPETS) }, { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) }, { weight: 2, arbitrary: fc.string({ maxLength: 30 }) }), { maxLength: 60 }).map((pieces) => pieces.join(''));

const text = fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ unit: 'binary', maxLength: 20 }), fc.lorem({ maxCount: 12 }));
const url = fc.constantFrom('https://a.example/', 'http://b.example/?q="&<>', 'tg://user?id=1', 'mailto:me@a.example', 'javascript:x()', 'src/x.ts', '', ' ', 'https://', 'http:x', `https://a.example/${'long'.repeat(40)}`, 'https://\ud83d', '#here', 'data:,x');
const identifier = fc.constantFrom('a', 'b', 'C');

/** Any node below any other, with fields left out and types that do not exist. */
export const tree: fc.Arbitrary<Root> = fc.letrec<{ node: { type: string } }>((tie) => {
  const children = fc.array(tie('node'), { maxLength: 5, depthIdentifier: 'tree' });
  const parent = (type: string, more: Record<string, fc.Arbitrary<unknown>> = {}): fc.Arbitrary<{ type: string }> => fc.record({ type: fc.constant(type), children, ...more });
  const leaf = (type: string, more: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<{ type: string }> => fc.record({ type: fc.constant(type), ...more });
  const leaves = [
    leaf('text', { value: text }), leaf('text', { value: text }), leaf('inlineCode', { value: text }), leaf('code', { value: text, lang: fc.constantFrom('ts', 'c++', '"><b>', null) }), leaf('html', { value: text }), leaf('break', {}), leaf('thematicBreak', {}),
    leaf('image', { url, alt: fc.option(text) }), leaf('imageReference', { identifier, alt: text }), leaf('footnoteReference', { identifier }), leaf('definition', { identifier, url }), leaf('yaml', { value: text }), leaf('unheardOf', { value: text }), leaf('nothing', {}),
  ];
  return {
    node: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true, depthIdentifier: 'tree' },
      fc.oneof(...leaves),
      parent('paragraph'), parent('paragraph'), parent('emphasis'), parent('strong'), parent('delete'), parent('link', { url }), parent('linkReference', { identifier }), parent('heading', { depth: fc.integer({ min: -1, max: 9 }) }),
      parent('blockquote'), parent('list', { ordered: fc.option(fc.boolean()), start: fc.option(fc.integer({ min: 0 })), spread: fc.boolean() }), parent('listItem', { checked: fc.option(fc.boolean()), spread: fc.option(fc.boolean()) }),
      parent('table', { align: fc.option(fc.array(fc.constantFrom('left', 'right', 'center', null), { maxLength: 3 })) }), parent('tableRow'), parent('tableCell'), parent('footnoteDefinition', { identifier }), parent('unknownParent'),
    ),
  };
}).node.map((node) => unnested({ type: 'root', children: [node] }) as Root);

/** Links in links exist on no platform; which of the two is shown depends on the limit. */
function unnested(node: { readonly type: string; readonly children?: readonly { readonly type: string }[] }, inLink = false): { readonly type: string } {
  const link = /^(?:link|image)/.test(node.type);
  const children = node.children?.map((child) => unnested(child, inLink || link));
  return { ...node, type: link && inLink ? (children === undefined ? 'unheardOf' : 'emphasis') : node.type, ...(children === undefined ? {} : { children }) };
}

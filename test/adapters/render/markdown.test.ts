/** The parser's promise: any text, in bounded time, nothing lost. And what a long answer costs. */
import { describe, expect, it } from 'vitest';

import { parseMarkdown } from '../../../src/adapters/render/markdown.js';
import { allText, type Node } from '../../../src/adapters/render/nodes.js';
import { plainText } from '../../../src/adapters/render/plain.js';
import { renderParts } from '../../../src/adapters/render/render.js';
import { telegramHtml } from '../../../src/adapters/telegram/html.js';

const squeezed = (text: string): string => text.replace(/\s+/g, '');

describe('Markdown as a tree', () => {
  it('is GFM, without positions', () => {
    expect(parseMarkdown('a ~~b~~\n\n- [x] c')).toEqual({
      type: 'root',
      children: [
        { type: 'paragraph', children: [{ type: 'text', value: 'a ' }, { type: 'delete', children: [{ type: 'text', value: 'b' }] }] },
        { type: 'list', ordered: false, start: null, spread: false, children: [{ type: 'listItem', spread: false, checked: true, children: [{ type: 'paragraph', children: [{ type: 'text', value: 'c' }] }] }] },
      ],
    });
  });

  it.each([
    ['quotes in quotes', '>'.repeat(30_000)],
    ['quotes in quotes, line by line', `${'> '.repeat(400)}a\n`.repeat(200)],
    ['lists in lists', '- '.repeat(30_000)],
    ['numbers in numbers', '1. '.repeat(30_000)],
    ['lists nested by indentation', Array.from({ length: 800 }, (_, at) => `${' '.repeat(at * 2)}- x`).join('\n')],
    ['brackets without partners', '['.repeat(60_000) + ']'.repeat(60_000)],
    ['stars without partners', '*a**a'.repeat(30_000)],
    ['lazy lines below a deep quote', `${'> '.repeat(45)}a\n${'a\n'.repeat(60_000)}`],
  ])('%s are in it as text, within seconds', (_, markdown) => {
    const before = process.cpuUsage();
    const root = parseMarkdown(markdown);
    const parts = renderParts(root, plainText);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(10_000);
    expect(squeezed(allText(root as Node))).toBe(squeezed(markdown));
    expect(squeezed(parts.map((part) => part.text).join(''))).toBe(squeezed(markdown));
  });

  it('keeps the rest in order, parsed, around what costs too much', () => {
    expect(parseMarkdown(`# a\n\n${'>'.repeat(9000)}\n\n\`\`\`\n\n${'- '.repeat(9)}\n\n\`\`\`\n\n*b*`).children.map((node) => node.type)).toEqual(['heading', 'paragraph', 'code', 'paragraph']);
  });

  it('of any depth is rendered', () => {
    let node: Node = { type: 'text', value: 'deep' };
    for (let depth = 0; depth < 50_000; depth += 1) node = { type: depth % 2 === 0 ? 'emphasis' : 'strong', children: [node] };
    const inline = renderParts({ type: 'root', children: [{ type: 'paragraph', children: [node] }] } as never, telegramHtml);
    expect(inline.map((part) => part.plain)).toEqual(['deep']);
    node = { type: 'paragraph', children: [{ type: 'text', value: 'deep' }] };
    for (let depth = 0; depth < 50_000; depth += 1) node = { type: depth % 2 === 0 ? 'listItem' : 'blockquote', children: [node] };
    expect(renderParts({ type: 'root', children: [node] } as never, telegramHtml).map((part) => part.plain.replace(/[^a-z]/g, ''))).toEqual(['deep']);
  });
});

describe('an answer of 100 KB', () => {
  const chapter = [
    '## A heading with `code`', 'A paragraph with **bold**, *italic*, [a link](https://a.example/x?y=1&z=2) and `inline` code. It goes on for some sentences & more. Nothing special is in it.',
    '- an item\n- another with **bold**\n  - nested one\n  - nested two', '```ts\nexport function add(a: number, b: number): number {\n  return a < b ? a + b : b + a;\n}\n```', '| Name | Value |\n|---|--:|\n| one | 1 |\n| two | 22 |', '> A quote of *somebody*\n> over two lines',
  ].join('\n\n');
  const markdown = `${chapter}\n\n`.repeat(Math.ceil(100_000 / chapter.length));
  const root = parseMarkdown(markdown);

  it.each([['html', telegramHtml], ['plain', plainText]] as const)('becomes parts well below 200 ms of computing (%s)', (_, emitter) => {
    const times = Array.from({ length: 7 }, () => {
      const before = process.cpuUsage();
      expect(renderParts(root, emitter).length).toBeGreaterThan(20);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    if (process.env['SHOW_TIMES'] !== undefined) process.stdout.write(`render ${times.map((time) => time.toFixed(0)).join(' ')} ms\n`);
    expect(Math.min(...times)).toBeLessThan(120);
  });

  it('in one block as well, or in thousands', () => {
    for (const text of ['Some words **here** and `there`. '.repeat(3000), '- x\n'.repeat(20_000), `\`\`\`\n${'let a = 1;\n'.repeat(9000)}\`\`\``, 'x'.repeat(100_000), '[a](https://a.example/b) '.repeat(4000)]) {
      const tree = parseMarkdown(text);
      const before = process.cpuUsage();
      renderParts(tree, telegramHtml);
      const time = process.cpuUsage(before).user / 1000;
      if (process.env['SHOW_TIMES'] !== undefined) process.stdout.write(`${JSON.stringify(text.slice(0, 12))} ${time.toFixed(0)} ms\n`);
      expect(time).toBeLessThan(1500);
    }
  });
});

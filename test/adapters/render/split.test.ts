/** Where a message is divided, by example. */
import { describe, expect, it } from 'vitest';

import { parseMarkdown } from '../../../src/adapters/render/markdown.js';
import { plainText } from '../../../src/adapters/render/plain.js';
import { renderParts } from '../../../src/adapters/render/render.js';
import { telegramHtml } from '../../../src/adapters/telegram/html.js';
import { mrkdwn } from './mrkdwn.js';

const html = (markdown: string, limit = 64): readonly string[] => renderParts(parseMarkdown(markdown), telegramHtml, limit).map((part) => part.text);
const plain = (markdown: string, limit = 64): readonly string[] => renderParts(parseMarkdown(markdown), plainText, limit).map((part) => part.text);
const words = (count: number): string => Array.from({ length: count }, (_, at) => `w${at}`).join(' ');

describe('a message is divided', () => {
  it('between blocks, where one ends in time', () => {
    expect(plain(`${words(10)}\n\n${words(12)}\n\n- a\n- b`)).toEqual([words(10), `${words(12)}\n\n• a\n• b`]);
  });

  it('so that a heading stays with what it heads', () => {
    expect(plain(`${words(12)}\n\n# Head\n\n${words(15)}`)).toEqual([words(12), `Head\n\n${words(15)}`]);
  });

  it('so that no part is nearly empty before a long block', () => {
    const [first, second] = plain(`Hi.\n\n${words(30)}`);
    expect(first).toMatch(/^Hi\.\n\nw0 .* w1\d$/);
    expect(second).toMatch(/^w1\d /);
  });

  it('after a sentence rather than at a space, at a space rather than in a word', () => {
    expect(plain('One two three four five six seven eight. Nine ten eleven twelve thirteen fourteen.')).toEqual(['One two three four five six seven eight.', 'Nine ten eleven twelve thirteen fourteen.']);
    expect(plain('a'.repeat(30) + ' ' + 'b'.repeat(50))).toEqual(['a'.repeat(30), 'b'.repeat(50)]);
    expect(plain('これは長い文です。'.repeat(9)).map((part) => part.at(-1))).toEqual(['。', '。']);
  });

  it('inside a word only where nothing else is left, never inside a character', () => {
    expect(plain('x'.repeat(130))).toEqual(['x'.repeat(64), 'x'.repeat(64), 'xx']);
    expect(plain('x' + '😀'.repeat(40))).toEqual(['x' + '😀'.repeat(31), '😀'.repeat(9)]);
    expect(plain('👨‍👩‍👧‍👦'.repeat(10))).toEqual(['👨‍👩‍👧‍👦'.repeat(5), '👨‍👩‍👧‍👦'.repeat(5)]);
    // One cluster as long as the whole text: cut it must be, but between code points.
    expect(renderParts(parseMarkdown('👩\u200d'.repeat(60)), mrkdwn, 66).every((part) => part.text.isWellFormed())).toBe(true);
    expect(plain('e\u0301'.repeat(50).replace(/^/, 'x')).every((part) => !part.startsWith('\u0301'))).toBe(true);
  });

  it('with marks closed and opened again', () => {
    expect(html(`**bold *both ${words(20)}* bold**`)).toEqual([
      expect.stringMatching(/^<b>bold <i>both w0 .*<\/i><\/b>$/),
      expect.stringMatching(/^<b><i>w\d+ .*<\/i> bold<\/b>$/),
    ]);
  });

  it('with a link on both halves of its label, and the plain address where the label ends', () => {
    const parts = renderParts(parseMarkdown(`[${words(20)}](https://a.b/c)`), telegramHtml, 64);
    expect(parts.map((part) => part.text)).toEqual([expect.stringMatching(/^<a href="https:\/\/a\.b\/c">w0 .*<\/a>$/), expect.stringMatching(/^<a href="https:\/\/a\.b\/c">w\d.* w19<\/a>$/)]);
    expect(parts.map((part) => part.plain)).toEqual([expect.not.stringContaining('https'), expect.stringMatching(/w19 \(https:\/\/a\.b\/c\)$/)]);
  });

  it('with a fence closed at a line and opened again with its language', () => {
    const code = Array.from({ length: 12 }, (_, at) => `  line${at}();`);
    expect(html(`\`\`\`ts\n${code.join('\n')}\n\`\`\``)).toEqual([
      `<pre><code class="language-ts">${code.slice(0, 5).join('\n')}</code></pre>`, `<pre><code class="language-ts">${code.slice(5, 10).join('\n')}</code></pre>`, `<pre><code class="language-ts">${code.slice(10).join('\n')}</code></pre>`,
    ]);
    expect(renderParts(parseMarkdown(`\`\`\`\n${code.join('\n')}\n\`\`\``), mrkdwn, 64).map((part) => part.text).every((part) => /^```\n[^`]+\n```$/.test(part))).toBe(true);
  });

  it('with code that fits in one part kept whole', () => {
    expect(html(`Run:\n\n\`\`\`\n${'code\n'.repeat(9)}\`\`\`\n`)).toHaveLength(1);
    expect(html(`Run this now:\n\n\`\`\`\n${'code\n'.repeat(11)}x\n\`\`\`\n`, 80)).toEqual([`Run this now:\n\n<pre>${'code\n'.repeat(11)}x</pre>`]);
    expect(html(`Run this now:\n\n\`\`\`\n${'code\n'.repeat(11)}x\n\`\`\`\n`, 64)).toEqual(['Run this now:', `<pre>${'code\n'.repeat(11)}x</pre>`]);
  });

  it('with quotes and lists going on in the next part', () => {
    expect(html(`> ${words(20)}\n>\n> end`)).toEqual([expect.stringMatching(/^<blockquote>w0 .*<\/blockquote>$/), expect.stringMatching(/^<blockquote>w\d+ .*w19\n\nend<\/blockquote>$/)]);
    expect(renderParts(parseMarkdown(`> - ${words(20)}\n> - b`), mrkdwn, 64).map((part) => part.text)).toEqual([expect.stringMatching(/^> - w0 [^\n]*$/), expect.stringMatching(/^> {3}w\d+ .*w19\n> - b$/)]);
    expect(plain(`10. ${words(20)}\n11. b`)).toEqual([expect.stringMatching(/^10\. w0 /), expect.stringMatching(/^ {4}w\d+ .*w19\n11\. b$/)]);
  });

  it('without a part in which nothing can be seen', () => {
    expect(html(`\`\`\`\na${'\n'.repeat(300)}b\n\`\`\``).map((part) => part.replace(/\s/g, ''))).toEqual(['<pre>a</pre>', '<pre>b</pre>']);
  });

  it('without a rule at the edge of a part', () => {
    expect(plain(`${words(18)}\n\n---\n\n${words(18)}`)).toEqual([words(18), words(18)]);
  });

  it('with escapes counted where the platform counts them', () => {
    expect(html('&'.repeat(128)).map((part) => part.length)).toEqual([320, 320]);
    expect(renderParts(parseMarkdown('<'.repeat(64)), mrkdwn, 64).map((part) => part.text)).toEqual(Array.from({ length: 4 }, () => '&lt;'.repeat(16)));
  });

  it('with indentation of any depth, and an address of any length, leaving room for the text', () => {
    const deep = Array.from({ length: 12 }, (_, at) => `${' '.repeat(8 * at)}100000. level ${at}`).join('\n\n');
    const items = plain(deep);
    expect(items.every((part) => part.length <= 64)).toBe(true);
    expect(items.join('\n')).toMatch(/ 100000\. level 11$/);
    const parts = html(`[label](https://a.example/${'p'.repeat(300)})`);
    expect(parts.join('')).toBe(`label (https://a.example/${'p'.repeat(300)})`);
  });
});

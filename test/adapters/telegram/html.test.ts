/** Markdown as Telegram shows it, by example, and read back by a parser of Telegram's dialect that shares nothing with the emitter. */
import type { Root } from 'mdast';
import { describe, expect, it } from 'vitest';

import { parseMarkdown } from '../../../src/adapters/render/markdown.js';
import { renderParts } from '../../../src/adapters/render/render.js';
import { telegramHtml } from '../../../src/adapters/telegram/html.js';
import { parseTelegramHtml } from '../../servers/telegram/html.js';

function html(markdown: string): string {
  const parts = renderParts(parseMarkdown(markdown), telegramHtml);
  for (const part of parts) expect(parseTelegramHtml(part.text)).not.toHaveProperty('error');
  return parts.map((part) => part.text).join('\n=====\n');
}

describe('Telegram HTML', () => {
  it.each([
    ['marks', '**b** *i* ~~s~~ <u>u</u> `c`', '<b>b</b> <i>i</i> <s>s</s> <u>u</u> <code>c</code>'],
    ['marks in marks', '***both* only bold**', '<b><i>both</i> only bold</b>'],
    ['code stands outside bold, which goes on behind it', '**a `b` c**', '<b>a </b><code>b</code><b> c</b>'],
    ['escapes of text are < > & alone', '1 < 2 & 3 > 2 "quoted" it\'s', '1 &lt; 2 &amp; 3 &gt; 2 "quoted" it\'s'],
    ['entities of the model are characters', '&copy; &lt;b&gt; &nbsp;x', '© &lt;b&gt; \u00a0x'],
    ['a heading is bold', '# One\n\ntext\n\n## Two *x*', '<b>One</b>\n\ntext\n\n<b>Two <i>x</i></b>'],
    ['a newline of the model stays', 'one\ntwo  \nthree', 'one\ntwo\nthree'],
    ['a link', '[the *site*](https://a.example/?q="x"&y=<1>)', '<a href="https://a.example/?q=&quot;x&quot;&amp;y=&lt;1&gt;">the <i>site</i></a>'],
    ['a bare address', 'see https://a.example/b.', 'see <a href="https://a.example/b">https://a.example/b</a>.'],
    ['a mail address', 'me@a.example', '<a href="mailto:me@a.example">me@a.example</a>'],
    ['an address of another scheme is text', '[x](javascript:alert(1)) [file](src/a.ts) [here](#there)', 'x (javascript:alert(1)) file (src/a.ts) here'],
    ['a link by reference', '[a][1] [b][2]\n\n[1]: https://a.example', '<a href="https://a.example">a</a> [b][2]'],
    ['code in a label is a label', '[`f()`](https://a.example)', '<a href="https://a.example">f()</a>'],
    ['a picture is a link', '![a cat](https://a.example/cat.png) ![](https://a.example/2.png) ![c](data:image/png;base64,AAAA)', '<a href="https://a.example/cat.png">a cat</a> <a href="https://a.example/2.png">image</a> c'],
    ['a list', '- one\n- two\n  more\n  - deep\n    - deeper\n- three', '• one\n• two\n  more\n  ◦ deep\n    ▪ deeper\n• three'],
    ['a loose list', '- one\n\n- two\n\n  second paragraph', '• one\n\n• two\n\n  second paragraph'],
    ['numbers begin where they begin', '9. nine\n10. ten\n    - in ten', '9. nine\n10. ten\n    ◦ in ten'],
    ['tasks', '- [x] done\n- [ ] open\n1. [x] first', '☑ done\n☐ open\n\n1. ☑ first'],
    ['an empty item', '- a\n-\n- b', '• a\n•\n• b'],
    ['a code block with language', '```ts\nif (a < b) {\n\n  c("d")\n}\n```', '<pre><code class="language-ts">if (a &lt; b) {\n\n  c("d")\n}</code></pre>'],
    ['a code block without', '    a\n    b', '<pre>a\nb</pre>'],
    ['a language is a word', '```c++ title="x"\na\n```\n```"><b>\nb\n```', '<pre><code class="language-c++">a</code></pre>\n\n<pre>b</pre>'],
    ['code in an item', '1. do\n   ```sh\n   ls\n   ```\n2. then', '1. do\n<pre><code class="language-sh">ls</code></pre>\n2. then'],
    ['an item that begins with code', '- ```\n  a\n  ```', '•\n<pre>a</pre>'],
    ['a quote', '> one\n> two\n>\n> **three**\n\nafter', '<blockquote>one\ntwo\n\n<b>three</b></blockquote>\n\nafter'],
    ['a quote in a quote is flat', '> a\n>> b\n>\n> c', '<blockquote>a\n\nb\n\nc</blockquote>'],
    ['two quotes are two', '> a\n\n<!-- -->\n\n> b', '<blockquote>a</blockquote>\n\n&lt;!-- --&gt;\n\n<blockquote>b</blockquote>'],
    ['a quote in an item', '- a\n\n  > b\n\n- c', '• a\n\n<blockquote>b</blockquote>\n\n• c'],
    ['a list and code in a quote', '> - a\n> - b\n>\n> ```\n> c\n> ```', '<blockquote>• a\n• b\n\n<pre>c</pre></blockquote>'],
    ['a table', '| Name | n |\n|:--|--:|\n| **Ann** | 1 |\n| Bo & co | 234 |', '<pre>Name    |   n\n--------+----\nAnn     |   1\nBo &amp; co | 234</pre>'],
    ['a table of wide characters', '|a|b|\n|-|-|\n|日本|x|\n|é|[l](https://a.example)|', `<pre>a    | b\n-----+-${'-'.repeat(21)}\n日本 | x\né    | l (https://a.example)</pre>`],
    ['a rule between', 'a\n\n---\n\nb', 'a\n\n———\n\nb'],
    ['HTML is text', '<div class="x">a</div>\n\nb <kbd>c</kbd><br>d <u>e', '&lt;div class="x"&gt;a&lt;/div&gt;\n\nb &lt;kbd&gt;c&lt;/kbd&gt;\nd &lt;u&gt;e'],
    ['footnotes', 'a[^x] b[^y]\n\n[^y]: why\n\n[^x]: ex\n\n    more', 'a[1] b[2]\n\n[1] ex\n\n    more\n\n[2] why'],
    ['footnotes nobody refers to', 'a[^x]\n\n[^y]: why\n\n[^x]: ex\n\n[^z]: zet', 'a[1]\n\n[1] ex\n\n[2] why\n\n[3] zet'],
    ['a table with one long cell is not padded to it', `|a|b|\n|-|-|\n|${'x'.repeat(50)}|c|\n|d|e|`, `<pre>a${' '.repeat(39)} | b\n${'-'.repeat(40)}-+--\n${'x'.repeat(50)} | c\nd${' '.repeat(39)} | e</pre>`],
    ['control characters and escape sequences go', 'a\u0000b\u001b[31mred\u001b[0m', 'a\ufffdbred'],
    ['half a pair becomes a replacement', 'a\ud83d b', 'a\ufffd b'],
  ])('%s', (_, markdown, expected) => {
    expect(html(markdown)).toBe(expected);
  });

  it('has nothing to send where nothing can be seen', () => {
    for (const markdown of ['', '\n\n', '&nbsp;', '\u200b\u2060', '```\n\n```', '**\u200b**']) expect(renderParts(parseMarkdown(markdown), telegramHtml)).toEqual([]);
  });

  it('writes each part as plain text too, with every address in it', () => {
    const [part] = renderParts(parseMarkdown('# T\n\n**b** [l](https://a.example) <https://b.example>\n\n> q\n> r\n\n- `x`\n  ```\n  y\n  ```'), telegramHtml);
    expect(part).toMatchObject({ format: 'html', plain: 'T\n\nb l (https://a.example) https://b.example\n\n> q\n> r\n\n• x\n  y' });
  });

  it('measures as Telegram does: what is left when tags and entities are parsed, in UTF-16 units', () => {
    const exactly = '&<>'.repeat(1332) + '😀😀';
    expect(exactly.length).toBe(4000);
    expect(renderParts(parseMarkdown(`\`${exactly}\``), telegramHtml)).toHaveLength(1);
    expect(renderParts(parseMarkdown(`\`${exactly}x\``), telegramHtml)).toHaveLength(2);
    expect(renderParts(parseMarkdown('x'.repeat(5000)), telegramHtml, 9999).map((part) => part.text.length)).toEqual([4096, 904]);
  });

  it('stays below what the server reads of markup', () => {
    const marked = { type: 'strong', children: [{ type: 'emphasis', children: [{ type: 'delete', children: [{ type: 'text', value: 'x' }] }] }] } as const;
    const root: Root = { type: 'root', children: [{ type: 'paragraph', children: Array.from({ length: 4000 }, () => [marked, { type: 'text', value: 'y' }] as const).flat() as never }] };
    const parts = renderParts(root, telegramHtml);
    expect(Math.max(...parts.map((part) => Buffer.byteLength(part.text)))).toBeLessThan(35_000);
    expect(parts.length).toBeGreaterThan(2);
  });
});

describe('the parser of Telegram HTML', () => {
  it.each([
    ['<div>x</div>', 'Unsupported start tag "div" at byte offset 0'],
    ['é <b>x', 'Can\'t find end tag corresponding to start tag "b"'],
    ['é <b>x</i>', 'Unmatched end tag at byte offset 7, expected "</b>", found "</i>"'],
    ['x</b>', 'Unexpected end tag at byte offset 1'],
    ['<b', 'Unclosed start tag at byte offset 0'],
    ['<a href="x', 'Unclosed start tag "a" at byte offset 0'],
    ['<b>x</b', 'Unclosed end tag at byte offset 4'],
    ['<span>x</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
  ])('refuses %s', (source, error) => {
    expect(parseTelegramHtml(source, 'server')).toEqual({ error: `can't parse entities: ${error}` });
  });

  it.each(['<b><code>x</code></b>', '<pre><b>x</b></pre>', '<blockquote>a<blockquote>b</blockquote></blockquote>', 'a & b', 'a > b', '<a href="src/x">y</a>', '<b></b>', '<code class="language-x">y</code>', '<b><b>x</b></b>', '\ud83d'])('refuses %s by the page, not as the server', (source) => {
    expect(parseTelegramHtml(source)).toHaveProperty('error');
    expect(parseTelegramHtml(source, 'server')).toHaveProperty('text');
  });

  it('says where the entities are', () => {
    expect(parseTelegramHtml('😀<b>b<i>i</i></b> <a href="https://a.example">l</a><pre><code class="language-ts">x&lt;</code></pre>')).toEqual({
      text: '😀bi lx<',
      entities: [
        { type: 'bold', offset: 2, length: 2 },
        { type: 'italic', offset: 3, length: 1 },
        { type: 'text_link', offset: 5, length: 1, url: 'https://a.example' },
        { type: 'pre', offset: 6, length: 2, language: 'ts' },
      ],
    });
  });
});

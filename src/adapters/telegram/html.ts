/**
 * Telegram's HTML (Bot API, "HTML style"). Length is counted in UTF-16 units of the text that is left when tags and
 * entities are parsed; the server reads no more than 35,000 bytes of markup.
 * Invariant: only tags that Telegram knows, nothing inside `pre` and `code`, quotes never inside quotes, and of text nothing but < > & escaped.
 */
import type { Emitter, Pair } from '../render/emitter.js';

const TEXT_LIMIT = 4096;
/** 4096 units of 8 bytes are 32,768. Only a text with another mark on each letter comes near. */
const BYTES_A_UNIT = 8;
/** Others are not made links by the server: it drops the address without a word. */
const SCHEMES = /^(?:https?:\/\/|tg:\/\/|mailto:.)/i;

const pair = (tag: string): Pair => ({ open: `<${tag}>`, close: `</${tag}>` });
const ESCAPES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
const escape = (text: string): string => text.replace(/[<>&]/g, (char) => ESCAPES[char] ?? char);
const attribute = (text: string): string => text.replace(/[<>&"]/g, (char) => ESCAPES[char] ?? char);

/** `>` is escaped in attributes too, so a tag ends at the first one. */
const shown = (markup: string): number => markup.replace(/<[^>]*>/g, '').replace(/&(?:lt|gt|amp|quot);/g, '.').length;

export const telegramHtml: Emitter = {
  format: 'html',
  limit: TEXT_LIMIT,
  measure: (markup) => Math.max(shown(markup), Math.ceil(Buffer.byteLength(markup) / BYTES_A_UNIT)),
  escape,
  marks: { bold: pair('b'), italic: pair('i'), underline: pair('u'), strike: pair('s') },
  code: (text) => `<code>${escape(text)}</code>`,
  codeAlone: true,
  pre: (code, language) => (language === undefined ? `<pre>${escape(code)}</pre>` : `<pre><code class="language-${language}">${escape(code)}</code></pre>`),
  preIndented: false,
  linkable: (url) => SCHEMES.test(url) && URL.canParse(url),
  link: (url) => ({ open: `<a href="${attribute(url)}">`, close: '</a>', cut: '</a>' }),
  quote: { kind: 'range', ...pair('blockquote') },
  heading: () => '',
  bullets: ['•', '◦', '▪'],
  task: (done) => (done ? '☑' : '☐'),
  rule: '———',
};

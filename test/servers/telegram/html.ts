/**
 * Telegram's HTML as the Bot API reads it, with the server's wordings (after "Bad Request: "). Written from the Bot API's
 * page on formatting and the server's behaviour, independently of our emitter.
 *
 * `documented` (the default) also refuses what the server quietly repairs but the page forbids: entities inside `pre` and
 * `code`, quotes inside quotes, links inside links, a bare `&` or `>`, a link that would not become one. `server` refuses only what the server does.
 */
export interface TelegramEntity {
  readonly type: 'bold' | 'italic' | 'underline' | 'strikethrough' | 'spoiler' | 'code' | 'pre' | 'text_link' | 'text_mention' | 'blockquote' | 'expandable_blockquote' | 'custom_emoji';
  /** UTF-16 units. */
  readonly offset: number;
  readonly length: number;
  readonly url?: string;
  readonly language?: string;
  readonly custom_emoji_id?: string;
}

export type ParsedHtml = { readonly text: string; readonly entities: readonly TelegramEntity[] } | { readonly error: string };

interface OpenTag {
  readonly name: string;
  readonly argument: string;
  readonly offset: number;
  readonly at: number;
}

const TYPES: Readonly<Record<string, TelegramEntity['type']>> = {
  a: 'text_link', b: 'bold', strong: 'bold', i: 'italic', em: 'italic', s: 'strikethrough', strike: 'strikethrough', del: 'strikethrough', u: 'underline', ins: 'underline',
  'tg-spoiler': 'spoiler', span: 'spoiler', 'tg-emoji': 'custom_emoji', pre: 'pre', code: 'code', blockquote: 'blockquote',
};

class Refused extends Error {}

export function parseTelegramHtml(source: string, rules: 'documented' | 'server' = 'documented'): ParsedHtml {
  const strict = rules === 'documented';
  const byte = (at: number): number => Buffer.byteLength(source.slice(0, at));
  const refuse = (what: string): never => {
    throw new Refused(`can't parse entities: ${what}`);
  };
  const open: OpenTag[] = [];
  const entities: TelegramEntity[] = [];
  let text = '';
  let at = 0;

  function reference(inAttribute: boolean): string {
    const found = /^&(?:(lt|gt|amp|quot)|#(\d{1,7})|#x([0-9a-f]{1,6}));?/i.exec(source.slice(at, at + 12));
    const code = found === null ? 0 : (found[2] !== undefined ? Number(found[2]) : Number.parseInt(found[3] ?? '0', 16));
    const char = found === null ? undefined : (found[1] !== undefined ? { lt: '<', gt: '>', amp: '&', quot: '"' }[found[1].toLowerCase()] : (code > 0 && code < 0x110000 ? String.fromCodePoint(code) : undefined));
    if (found === null || char === undefined) {
      if (strict) refuse(`Unescaped "&" at byte offset ${byte(at)}${inAttribute ? ' in an attribute' : ''}`);
      at += 1;
      return '&';
    }
    if (strict && !found[0].endsWith(';')) refuse(`Entity without semicolon at byte offset ${byte(at)}`);
    at += found[0].length;
    return char;
  }

  const spaces = (): void => {
    while (/\s/.test(source[at] ?? '')) at += 1;
  };
  const until = (stop: RegExp): string => {
    const start = at;
    while (at < source.length && !stop.test(source[at] as string)) at += 1;
    return source.slice(start, at);
  };

  function startTag(begin: number): void {
    const name = until(/[\s>]/).toLowerCase();
    if (at >= source.length) refuse(`Unclosed start tag at byte offset ${byte(begin)}`);
    if (!Object.hasOwn(TYPES, name)) refuse(`Unsupported start tag "${name}" at byte offset ${byte(begin)}`);
    let argument = '';
    for (;;) {
      spaces();
      if (source[at] === '>') break;
      const attribute = until(/[\s=>]/);
      if (at >= source.length) refuse(`Unclosed start tag "${name}" at byte offset ${byte(begin)}`);
      if (attribute === '') refuse(`Empty attribute name in the tag "${name}" at byte offset ${byte(begin)}`);
      spaces();
      if (source[at] !== '=') {
        if (name === 'blockquote' && attribute === 'expandable') {
          argument = 'expandable';
          continue;
        }
        refuse(`Expected equal sign in declaration of an attribute of the tag "${name}" at byte offset ${byte(begin)}`);
      }
      at += 1;
      spaces();
      const value = attributeValue(begin, name);
      argument = argumentOf(name, attribute, value) ?? argument;
    }
    at += 1;
    if (name === 'span' && argument !== 'tg-spoiler') refuse(`Tag "span" must have class "tg-spoiler" at byte offset ${byte(begin)}`);
    if (name === 'tg-emoji' && !/^\d+$/.test(argument)) refuse(`Invalid custom emoji identifier specified at byte offset ${byte(begin)}`);
    if (strict) nested(name, begin);
    open.push({ name, argument, offset: text.length, at: begin });
  }

  function attributeValue(begin: number, name: string): string {
    const quote = source[at];
    if (quote !== '"' && quote !== "'") {
      const start = at;
      const token = until(/[^\w.-]/).toLowerCase();
      if (at < source.length && !/[\s>]/.test(source[at] as string)) refuse(`Unexpected end of name token at byte offset ${byte(start)}`);
      return token;
    }
    at += 1;
    let value = '';
    while (at < source.length && source[at] !== quote) {
      if (source[at] === '&') value += reference(true);
      else if (strict && /[<>]/.test(source[at] as string)) refuse(`Unescaped "${source[at]}" in an attribute at byte offset ${byte(at)}`);
      else value += source[at++];
    }
    if (at >= source.length) refuse(`Unclosed start tag "${name}" at byte offset ${byte(begin)}`);
    at += 1;
    return value;
  }

  /** The page: pre and code contain and are part of nothing but a quote; quotes and links are not nested. */
  function nested(name: string, begin: number): void {
    const outer = open.map((tag) => tag.name);
    const inCode = outer.includes('pre') || outer.includes('code');
    const languageOfPre = name === 'code' && outer.at(-1) === 'pre' && text.length === open.at(-1)?.offset;
    if (inCode && !languageOfPre) refuse(`Entity "${name}" inside code at byte offset ${byte(begin)}`);
    if ((name === 'code' || name === 'pre') && !languageOfPre && outer.some((tag) => tag !== 'blockquote')) refuse(`Code inside entity "${outer.at(-1)}" at byte offset ${byte(begin)}`);
    if (name === 'blockquote' && outer.length > 0) refuse(`Entity "blockquote" inside "${outer.at(-1)}" at byte offset ${byte(begin)}`);
    if (outer.includes(name)) refuse(`Entity "${name}" inside itself at byte offset ${byte(begin)}`);
  }

  function endTag(begin: number): void {
    const last = open.at(-1);
    if (last === undefined) return refuse(`Unexpected end tag at byte offset ${byte(begin)}`);
    at += 1;
    const name = until(/[\s>]/).toLowerCase();
    spaces();
    if (source[at] !== '>') refuse(`Unclosed end tag at byte offset ${byte(begin)}`);
    at += 1;
    if (name !== last.name && (strict || name !== '')) refuse(`Unmatched end tag at byte offset ${byte(begin)}, expected "</${last.name}>", found "</${name}>"`);
    open.pop();
    finish(last);
  }

  function finish(tag: OpenTag): void {
    const length = text.length - tag.offset;
    if (length === 0) {
      if (strict) refuse(`Empty entity "${tag.name}" at byte offset ${byte(tag.at)}`);
      return;
    }
    const place = { offset: tag.offset, length };
    if (tag.name === 'a') return link(tag, place);
    if (tag.name === 'pre') {
      const inner = entities.at(-1);
      // `<pre><code class="language-x">` is one entity, where both span the same text.
      if (inner?.type === 'code' && inner.offset === place.offset && inner.length === length) {
        entities.pop();
        entities.push({ type: 'pre', ...place, ...(inner.language === undefined ? {} : { language: inner.language }) });
        return;
      }
      if (strict && inner?.type === 'code' && inner.offset >= tag.offset) refuse(`Code of another extent inside "pre" at byte offset ${byte(tag.at)}`);
    }
    const inPre = tag.name === 'code' && open.at(-1)?.name === 'pre';
    if (strict && tag.name === 'code' && tag.argument !== '' && !inPre) refuse(`Language outside "pre" at byte offset ${byte(tag.at)}`);
    entities.push({
      type: tag.name === 'blockquote' && tag.argument !== '' ? 'expandable_blockquote' : (TYPES[tag.name] as TelegramEntity['type']),
      ...place,
      ...(inPre && tag.argument !== '' ? { language: tag.argument } : {}),
      ...(tag.name === 'tg-emoji' ? { custom_emoji_id: tag.argument } : {}),
    });
  }

  function link(tag: OpenTag, place: { readonly offset: number; readonly length: number }): void {
    const url = tag.argument === '' ? text.slice(tag.offset) : tag.argument;
    const person = /^tg:\/\/user\/?\?id=(\d+)$/i.test(url);
    const valid = /^(?:https?:\/\/|tg:|mailto:|ton:)[^\s]+$/i.test(url) && URL.canParse(url);
    if (strict && (tag.argument === '' || !valid)) refuse(`Address "${url}" is no link at byte offset ${byte(tag.at)}`);
    if (person) entities.push({ type: 'text_mention', ...place, url });
    // The server takes an address without scheme as http, and drops what it cannot read.
    else if (valid || /^[\w-]+(?:\.[\w-]+)+(?:[/?#]\S*)?$/.test(url)) entities.push({ type: 'text_link', ...place, url: valid ? url : `http://${url}` });
  }

  try {
    if (strict && !source.isWellFormed()) refuse('Text must be encoded in UTF-8');
    while (at < source.length) {
      const char = source[at] as string;
      if (char === '&') text += reference(false);
      else if (char === '<') {
        const begin = at;
        at += 1;
        if (source[at] === '/') endTag(begin);
        else startTag(begin);
      } else {
        if (strict && char === '>') refuse(`Unescaped ">" at byte offset ${byte(at)}`);
        text += char;
        at += 1;
      }
    }
    const left = open.at(-1);
    if (left !== undefined) refuse(`Can't find end tag corresponding to start tag "${left.name}"`);
  } catch (error) {
    if (error instanceof Refused) return { error: error.message };
    throw error;
  }
  return { text, entities: entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length) };
}

function argumentOf(tag: string, attribute: string, value: string): string | undefined {
  if (tag === 'a' && attribute === 'href') return value;
  if (tag === 'code' && attribute === 'class' && value.startsWith('language-')) return value.slice('language-'.length);
  if (tag === 'span' && attribute === 'class') return value;
  if (tag === 'tg-emoji' && attribute === 'emoji-id') return value;
  if (tag === 'blockquote' && attribute === 'expandable') return 'expandable';
  return undefined;
}

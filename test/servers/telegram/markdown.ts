/**
 * MarkdownV2 and the old Markdown as Telegram reads them: text and entities, or why not.
 *
 * Invariant: what Telegram refuses is refused here in its words: a reserved character without a backslash, an entity
 * that is never closed. It covers what bots write, not every corner (custom emoji and dates are taken as links).
 */
import type { MessageEntity } from '@grammyjs/types';

export type Parsed = { readonly text: string; readonly entities: readonly MessageEntity[] } | { readonly error: string };

interface Open {
  readonly mark: string;
  readonly type: string;
  readonly offset: number;
  readonly at: number;
}

const RESERVED = '_*[]()~`>#+-=|{}.!';
const TYPES: Readonly<Record<string, string>> = { '*': 'bold', _: 'italic', __: 'underline', '~': 'strikethrough', '||': 'spoiler' };
const NAMES: Readonly<Record<string, string>> = { bold: 'Bold', italic: 'Italic', underline: 'Underline', strikethrough: 'Strikethrough', spoiler: 'Spoiler', text_link: 'TextUrl', code: 'Code', pre: 'Pre' };

export function parseMarkdownV2(source: string): Parsed {
  let text = '';
  const entities: MessageEntity[] = [];
  const open: Open[] = [];
  const add = (type: string, offset: number, more: object = {}): void => {
    if (text.length > offset) entities.push({ type, offset, length: text.length - offset, ...more } as MessageEntity);
  };
  let quote: number | undefined;
  let at = 0;
  while (at < source.length) {
    const char = source[at] ?? '';
    const lineStart = at === 0 || source[at - 1] === '\n';
    if (lineStart && quote !== undefined && char !== '>') {
      entities.push({ type: 'blockquote', offset: quote, length: text.length - quote } as MessageEntity);
      quote = undefined;
    }
    if (lineStart && char === '>') {
      quote ??= text.length;
      at += 1;
    } else if (char === '\\' && at + 1 < source.length) {
      text += source[at + 1];
      at += 2;
    } else if (char === '`') {
      const fence = source.startsWith('```', at) ? '```' : '`';
      const end = closing(source, at + fence.length, fence);
      if (end < 0) return unclosed(fence === '`' ? 'code' : 'pre', source, at);
      const body = source.slice(at + fence.length, end);
      const language = fence === '```' ? /^([^\s`]+)\n/.exec(body)?.[1] : undefined;
      const offset = text.length;
      text += unescape(fence === '```' ? body.replace(/^[^\s`]*\n/, '') : body);
      add(fence === '`' ? 'code' : 'pre', offset, language === undefined ? {} : { language });
      at = end + fence.length;
    } else if (char === '[' || source.startsWith('![', at)) {
      open.push({ mark: '[', type: 'text_link', offset: text.length, at });
      at += char === '[' ? 1 : 2;
    } else if (char === ']' && open.at(-1)?.mark === '[') {
      const link = open.pop();
      const end = source[at + 1] === '(' ? closing(source, at + 2, ')') : -1;
      if (end < 0) return unclosed('text_link', source, link?.at ?? at);
      add('text_link', link?.offset ?? 0, { url: unescape(source.slice(at + 2, end)) });
      at = end + 1;
    } else {
      const mark = ['||', '__'].find((two) => source.startsWith(two, at)) ?? (TYPES[char] === undefined ? undefined : char);
      if (mark === undefined) {
        if (RESERVED.includes(char)) return { error: `can't parse entities: Character '${char}' is reserved and must be escaped with the preceding '\\'` };
        text += char;
        at += 1;
      } else {
        const top = open.at(-1);
        if (top?.mark === mark) {
          open.pop();
          add(top.type, top.offset);
        } else open.push({ mark, type: TYPES[mark] ?? '', offset: text.length, at });
        at += mark.length;
      }
    }
  }
  const left = open.at(-1);
  if (left !== undefined) return unclosed(left.type, source, left.at);
  if (quote !== undefined) entities.push({ type: 'blockquote', offset: quote, length: text.length - quote } as MessageEntity);
  return { text, entities: inOrder(entities) };
}

/** The old mode: nothing nests, an unpaired mark is an error. */
export function parseMarkdown(source: string): Parsed {
  let text = '';
  const entities: MessageEntity[] = [];
  let at = 0;
  while (at < source.length) {
    const char = source[at] ?? '';
    const mark = source.startsWith('```', at) ? '```' : char;
    if (char === '\\' && '_*`['.includes(source[at + 1] ?? ' ')) {
      text += source[at + 1];
      at += 2;
    } else if (!'_*`['.includes(char)) {
      text += char;
      at += 1;
    } else {
      const end = source.indexOf(mark === '[' ? ']' : mark, at + mark.length);
      if (end < 0) return { error: `can't parse entities: Can't find end of the entity starting at byte offset ${bytes(source, at)}` };
      const offset = text.length;
      text += source.slice(at + mark.length, end);
      at = end + mark.length;
      const url = mark === '[' ? /^\(([^)]*)\)/.exec(source.slice(at))?.[1] : undefined;
      if (url !== undefined) at += url.length + 2;
      const type = mark === '*' ? 'bold' : mark === '_' ? 'italic' : mark === '`' ? 'code' : mark === '```' ? 'pre' : 'text_link';
      if (type !== 'text_link' || url !== undefined) entities.push({ type, offset, length: text.length - offset, ...(url === undefined ? {} : { url }) } as MessageEntity);
    }
  }
  return { text, entities };
}

export const inOrder = (entities: readonly MessageEntity[]): readonly MessageEntity[] => entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length);

function closing(source: string, from: number, mark: string): number {
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1;
    else if (source.startsWith(mark, at)) return at;
  }
  return -1;
}

const unescape = (value: string): string => value.replace(/\\([\s\S])/g, '$1');
const bytes = (source: string, at: number): number => Buffer.byteLength(source.slice(0, at));
const unclosed = (type: string, source: string, at: number): Parsed => ({ error: `can't parse entities: Can't find end of ${NAMES[type] ?? type} entity at byte offset ${bytes(source, at)}` });

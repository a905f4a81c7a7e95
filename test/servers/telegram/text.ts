/**
 * Text and captions as Telegram takes them: parsed, trimmed, measured.
 *
 * Invariant: the length is that of the text after parsing, in UTF-16 units, and an entity lies inside the text and
 * never splits a surrogate pair; everything else is refused in Telegram's words.
 */
import type { MessageEntity } from '@grammyjs/types';

import { parseTelegramHtml } from './html.js';
import { inOrder, parseMarkdown, parseMarkdownV2 } from './markdown.js';
import { badRequest } from './refusal.js';

export interface Formatted {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

export const TEXT_MAX = 4096;
export const CAPTION_MAX = 1024;
/** Telegram drops what is beyond without a word. */
const MOST_ENTITIES = 100;

/** Parses and trims; lengths are checked later, as on Telegram: there the chat is looked up in between. */
export function formatted(source: string, mode: unknown, given: unknown): Formatted {
  const parsed = parse(source, mode, given);
  return trimmed({ text: parsed.text, entities: inOrder(parsed.entities).slice(0, MOST_ENTITIES) });
}

function parse(source: string, mode: unknown, given: unknown): Formatted {
  if (mode === undefined) return { text: source, entities: checkedEntities(source, Array.isArray(given) ? (given as readonly MessageEntity[]) : []) };
  const parsed = mode === 'HTML' ? parseTelegramHtml(source, 'server') : mode === 'MarkdownV2' ? parseMarkdownV2(source) : parseMarkdown(source);
  if (!('error' in parsed)) return { text: parsed.text, entities: parsed.entities as readonly MessageEntity[] };
  const why = parsed.error.replace(/^Bad Request: /, '');
  throw badRequest(/^can't parse entities/.test(why) ? why : `can't parse entities: ${why}`);
}

/** HTML that the server repairs without a word though its page forbids it: let through as there, but a mistake. */
export function forbiddenMarkup(params: Readonly<Record<string, unknown>>): string | undefined {
  const source = params.text ?? params.caption;
  if (params.parse_mode !== 'HTML' || typeof source !== 'string') return undefined;
  const strict = parseTelegramHtml(source, 'documented');
  return 'error' in strict && !('error' in parseTelegramHtml(source, 'server')) ? strict.error : undefined;
}

function checkedEntities(text: string, entities: readonly MessageEntity[]): readonly MessageEntity[] {
  for (const { offset, length } of entities) {
    const end = offset + length;
    if (offset < 0 || length < 0 || end > text.length) throw badRequest(`entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${text.length}`);
    if (splits(text, offset) || splits(text, end)) throw badRequest(`entity beginning at UTF-16 offset ${offset} ends in a middle of a UTF-16 symbol`);
  }
  return entities.filter((entity) => entity.length > 0);
}

const splits = (text: string, at: number): boolean => /[\uD800-\uDBFF]/.test(text[at - 1] ?? '') && /[\uDC00-\uDFFF]/.test(text[at] ?? '');

function trimmed({ text, entities }: Formatted): Formatted {
  const end = text.trimEnd().length;
  const firstEntity = entities[0]?.offset ?? text.length;
  const start = Math.min(/^[ \n]*/.exec(text)?.[0].length ?? 0, firstEntity, end);
  const moved = entities.map((entity) => ({ ...entity, offset: entity.offset - start, length: Math.min(entity.length, end - entity.offset) })).filter((entity) => entity.length > 0);
  return { text: text.slice(start, end), entities: moved };
}

/** For messages; an edit that is too long is refused in other words. */
export function checkText(text: string, tooLong = 'message is too long'): void {
  if (text === '') throw badRequest('text must be non-empty');
  if (text.length > TEXT_MAX) throw badRequest(tooLong);
}

export function checkCaption(text: string): void {
  if (text.length > CAPTION_MAX) throw badRequest('message caption is too long');
}

/**
 * An answer as Telegram messages: texts, captions, albums, buttons. Pure and deterministic: parts are frozen and hashed.
 * Invariant: every part can be sent as it is, also with the mark of a repeat before it.
 */
import { type Button, type OutboundPart, REPEAT_MARK } from '../../core/channel.js';
import type { Attachment } from '../../core/message.js';
import { parseMarkdown } from '../render/markdown.js';
import { DEFAULT_CHUNK_LIMIT, type Part, renderParts } from '../render/render.js';
import { telegramHtml } from './html.js';
import { albums, formOf, takesCaption } from './outbound.js';

/** UTF-16 units after parsing. */
const CAPTION_LIMIT = 1024;
/** Bytes of what a button says back. */
const COMMAND_BYTES = 64;

type Rows = readonly (readonly Button[])[];

export function toParts(markdown: string, attachments: readonly Attachment[], buttons: Rows | undefined, chunkLimit: number = DEFAULT_CHUNK_LIMIT): readonly OutboundPart[] {
  const { rows, spelled } = fitting(buttons ?? []);
  const limit = Math.min(chunkLimit, telegramHtml.limit - REPEAT_MARK.length);
  const texts = renderParts(parseMarkdown([markdown, ...spelled].filter((text) => text.trim() !== '').join('\n\n')), telegramHtml, limit);
  const groups = albums(attachments);
  const [first, ...others] = groups;
  const caption = first && texts.length === 1 && texts[0] && isCaption(texts[0]) && first[0] && takesCaption(formOf(first[0])) && first.every((one) => one.caption === undefined) && !(rows.length > 0 && first.length > 1) ? texts[0] : undefined;

  const parts: OutboundPart[] = [
    ...(caption ? [] : texts.map((text) => ({ ...text, attachments: [] }))),
    ...(first ? [{ ...(caption ?? WITHOUT_TEXT), attachments: first }] : []),
    ...others.map((group) => ({ ...WITHOUT_TEXT, attachments: group })),
  ];
  return rows.length === 0 ? parts : withButtons(parts, rows);
}

const WITHOUT_TEXT: Part = { text: '', plain: '', format: telegramHtml.format };

function isCaption(part: Part): boolean {
  const room = CAPTION_LIMIT - REPEAT_MARK.length;
  return telegramHtml.measure(part.text) <= room && part.plain.length <= room;
}

/** An album has no buttons: they go under the last message that can have them. */
function withButtons(parts: readonly OutboundPart[], buttons: Rows): readonly OutboundPart[] {
  const at = parts.findLastIndex(({ attachments }) => attachments.length < 2);
  if (at < 0) return [...parts, { text: 'Choose:', plain: 'Choose:', format: telegramHtml.format, attachments: [], buttons }];
  return parts.map((part, index) => (index === at ? { ...part, buttons } : part));
}

/** A command too long for a button is written out, to be copied. */
function fitting(rows: Rows): { readonly rows: Rows; readonly spelled: readonly string[] } {
  const fits = ({ command }: Button): boolean => command !== '' && Buffer.byteLength(command) <= COMMAND_BYTES;
  return {
    rows: rows.map((row) => row.filter(fits)).filter((row) => row.length > 0),
    spelled: rows.flat().filter((button) => !fits(button)).map(({ label, command }) => `${label}: \`${command}\``),
  };
}

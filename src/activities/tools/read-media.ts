/**
 * `read` of an attachment: `media:` and the first digits of its hash, as the conversation names it.
 *
 * Invariant: only what this session's own messages carry is found, and the answer about anything else is the same
 * whether it exists or not.
 */
import { SHOWN_IMAGES, mediaReference } from '../../core/context.js';
import { CodedError } from '../../core/errors.js';
import { LIMITS } from '../../core/names.js';
import type { Attachment } from '../../core/message.js';
import type { PdfReader } from '../media/pdf.js';
import { decodeText, sniff } from '../media/text.js';
import { foldedLines, linesPart, pagesPart, type Part } from './read-pages.js';
import { textResult, type SessionMedia, type ToolContext, type ToolEnv, type ToolResult } from './types.js';

export const MEDIA = 'media:';
/** Fewer digits would name what somebody else may have made to collide. */
const LEAST_DIGITS = 8;

/** @throws CodedError NOT_FOUND, NOT_READABLE, PDF_UNREADABLE */
export async function readMedia(env: ToolEnv, pdf: PdfReader, path: string, part: Part, context: ToolContext): Promise<ToolResult> {
  const attachment = await find(path, context);
  const bytes = await env.media.get(attachment.media);
  const known = facts(attachment);
  if (!bytes) throw new CodedError('NOT_FOUND', `The content of ${known} is no longer stored.`);
  const { mime: seen } = await sniff(bytes);
  const mime = seen ?? attachment.mime ?? 'unknown type';
  if (mime.startsWith('image/') && !/svg/.test(mime)) return image(attachment, known, mime, bytes.length);
  if (mime === 'application/pdf') return pagesPart(pdf, bytes, part, context.signal);
  if (attachment.transcript !== undefined) return linesPart(foldedLines(attachment.transcript), part, Buffer.byteLength(attachment.transcript));
  const text = await decodeText(bytes);
  if (text !== undefined) return linesPart(foldedLines(text), part, bytes.length);
  throw new CodedError('NOT_READABLE', notText(attachment, known));
}

async function find(path: string, context: ToolContext): Promise<SessionMedia> {
  const digits = path.slice(MEDIA.length).toLowerCase();
  if (!new RegExp(`^[0-9a-f]{${LEAST_DIGITS},64}$`).test(digits)) throw new CodedError('NOT_FOUND', `After media: come at least ${LEAST_DIGITS} digits, as the attachment's line in the conversation has them.`);
  const found = await context.attachments(digits);
  if (found.length > 1) throw new CodedError('NOT_FOUND', `${MEDIA}${digits} names several attachments; give more digits.`);
  const [one] = found;
  if (!one) throw new CodedError('NOT_FOUND', `This session has no attachment ${MEDIA}${digits}.`);
  return one;
}

const facts = (a: Attachment): string => `${a.name ?? `the ${a.kind}`} (${[a.mime, a.size === undefined ? undefined : `${a.size} bytes`].filter(Boolean).join(', ')})`;

function image(attachment: SessionMedia, known: string, mime: string, size: number): ToolResult {
  const details = { mime, bytes: size };
  if (!SHOWN_IMAGES.has(mime)) return textResult(`${known} is an image in a format that models do not take; ask for it as PNG or JPEG.`, true, details);
  if (size > LIMITS.imageBytes) return textResult(`${known} is too large to be shown: models get images of at most ${LIMITS.imageBytes} bytes. Ask for a smaller one.`, true, details);
  // A model that sees gets it here too; the prompt of one that does not says so in its place.
  return { blocks: [{ type: 'text', text: `${mediaReference(attachment.media)}: ${known}` }, { type: 'image', hash: attachment.media.hash, mime }], isError: false, details, bytes: size };
}

function notText(a: SessionMedia, known: string): string {
  if (a.kind === 'voice' || a.kind === 'audio') return `${known} is a recording${a.transcriptProblem === undefined ? ' that has not been transcribed' : `, not transcribed: ${a.transcriptProblem}`}.`;
  if (a.kind === 'video') return `${known} is a video; there is no way to watch it.`;
  return `${known} is not text and cannot be read here. Ask for it as PDF or plain text.`;
}

/**
 * Attachments of `agent` and `chat.send`: base64 on the wire, content-addressed files afterwards.
 * Invariant: all of them are decoded and measured before one is stored, and all are stored before the message's row is.
 */
import { invalidRequest } from '../../core/errors.js';
import type { Attachment, AttachmentKind } from '../../core/message.js';
import { LIMITS } from '../../core/names.js';
import type { MediaStore } from '../../core/ports.js';

/** More files than a person attaches to one message. */
export const MAX_ATTACHMENTS = 32;

interface Decoded {
  readonly bytes: Buffer;
  readonly mime: string | undefined;
  readonly name: string | undefined;
}

/** @throws CodedError INVALID_REQUEST, MEDIA_TOO_LARGE */
export async function storeAttachments(method: string, given: readonly unknown[] | undefined, media: MediaStore): Promise<readonly Attachment[]> {
  if (!given || given.length === 0) return [];
  if (given.length > MAX_ATTACHMENTS) throw invalidRequest(`${method}: at most ${MAX_ATTACHMENTS} attachments a message`);
  const decoded = given.map((attachment, index) => decode(`${method}: attachment ${index + 1}`, attachment));
  const stored: Attachment[] = [];
  for (const { bytes, mime, name } of decoded) {
    const put = await media.put(bytes, mime);
    stored.push({ kind: kindOf(put.mime), mime: put.mime, size: put.size, media: { hash: put.hash }, ...(name === undefined ? {} : { name }) });
  }
  return stored;
}

function decode(what: string, given: unknown): Decoded {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalidRequest(`${what}: must be an object`);
  const { content, mimeType, fileName } = given as Readonly<Record<string, unknown>>;
  if (typeof content !== 'string' || content === '') throw invalidRequest(`${what}: content must be base64`);
  if (mimeType !== undefined && typeof mimeType !== 'string') throw invalidRequest(`${what}: mimeType must be a string`);
  if (fileName !== undefined && typeof fileName !== 'string') throw invalidRequest(`${what}: fileName must be a string`);
  const data = /^data:([\w.+-]+\/[\w.+-]+)?;base64,/.exec(content.slice(0, 256));
  const base64 = data ? content.slice(data[0].length) : content;
  // Before decoding: what is too large is not worth the memory.
  if (base64.length > Math.ceil(LIMITS.mediaBytes / 3) * 4) throw tooLarge(what);
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw invalidRequest(`${what}: content must be base64`);
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length > LIMITS.mediaBytes) throw tooLarge(what);
  return { bytes, mime: mimeType ?? data?.[1], name: fileName === undefined ? undefined : plainName(fileName) };
}

const tooLarge = (what: string) => invalidRequest(`${what}: larger than ${LIMITS.mediaBytes / 1024 / 1024} MiB`, { code: 'MEDIA_TOO_LARGE', maxBytes: LIMITS.mediaBytes });

/** A name is shown to people and models; it never is a path. */
const plainName = (name: string): string => name.replace(/^.*[/\\]/, '').replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 255) || 'file';

function kindOf(mime: string): AttachmentKind {
  if (mime.startsWith('image/')) return 'image';
  if (mime.startsWith('audio/')) return 'audio';
  if (mime.startsWith('video/')) return 'video';
  return 'document';
}

/**
 * How an attachment leaves: as which kind of message, in which albums, under which name. Pure.
 * Invariant: what Telegram shows only from certain formats and sizes goes as a file in all others.
 */
import type { Attachment } from '../../core/message.js';

export type Form = 'photo' | 'animation' | 'video' | 'audio' | 'voice' | 'document' | 'location' | 'contact';

/** Bytes of the largest picture that is shown as one. https://core.telegram.org/bots/api#sending-files */
const PHOTO_BYTES = 10 * 1024 * 1024;
/** The public server takes no larger file from a bot. */
export const UPLOAD_BYTES = 50 * 1024 * 1024;
const ALBUM_PARTS = 10;

const PHOTOS = new Set(['image/jpeg', 'image/png', 'image/webp']);
const AUDIO = new Set(['audio/mpeg', 'audio/mp3', 'audio/mp4', 'audio/x-m4a', 'audio/m4a', 'audio/aac']);
const VOICE = new Set(['audio/ogg', 'audio/opus', 'audio/ogg; codecs=opus']);

export function formOf(a: Attachment): Form {
  if (a.location) return 'location';
  if (a.contact) return 'contact';
  const mime = a.mime ?? '';
  switch (a.kind) {
    case 'image':
    case 'sticker':
      if (mime === 'image/gif') return 'animation';
      return PHOTOS.has(mime) && (a.size ?? 0) <= PHOTO_BYTES ? 'photo' : 'document';
    case 'video':
      return mime === 'video/mp4' ? 'video' : 'document';
    case 'voice':
      if (VOICE.has(mime)) return 'voice';
      return AUDIO.has(mime) ? 'audio' : 'document';
    case 'audio':
      return AUDIO.has(mime) ? 'audio' : 'document';
    default:
      return 'document';
  }
}

export const takesCaption = (form: Form): boolean => form !== 'location' && form !== 'contact';

/** Which forms Telegram puts into one album. */
const albumOf = (form: Form): string | undefined => (form === 'photo' || form === 'video' ? 'visual' : form === 'document' || form === 'audio' ? form : undefined);

/** In order; neighbours that fit make an album. */
export function albums(attachments: readonly Attachment[]): readonly (readonly Attachment[])[] {
  const out: Attachment[][] = [];
  for (const attachment of attachments) {
    const last = out.at(-1);
    const album = albumOf(formOf(attachment));
    if (last && album !== undefined && last.length < ALBUM_PARTS && last[0] && albumOf(formOf(last[0])) === album) last.push(attachment);
    else out.push([attachment]);
  }
  return out;
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp', 'image/gif': 'gif', 'video/mp4': 'mp4', 'audio/ogg': 'ogg', 'audio/mpeg': 'mp3', 'audio/mp4': 'm4a',
  'application/pdf': 'pdf', 'text/plain': 'txt', 'text/markdown': 'md', 'text/csv': 'csv', 'application/json': 'json', 'application/zip': 'zip',
};

export function fileName(a: Attachment): string {
  const given = a.name?.split(/[\\/]/).at(-1)?.replace(/[\u0000-\u001f\u007f"]/g, '').trim();
  return given ? given : `${a.kind}.${EXTENSIONS[a.mime ?? ''] ?? 'bin'}`;
}

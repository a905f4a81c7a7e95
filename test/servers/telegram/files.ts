/**
 * Files on Telegram's side: stored once, named by file_id, downloaded through a link that getFile opens.
 *
 * Invariant: a file_id names one file of one kind; a link works only after getFile and not for ever. Bytes are kept as
 * they were uploaded.
 */
import { type FileRecord, type World } from './world.js';
import { badRequest, Refusal } from './refusal.js';
import type { Body } from './body.js';

export const DOWNLOAD_MAX = 20 * 1024 * 1024;
const UPLOAD_MAX = 50 * 1024 * 1024;
const PHOTO_MAX = 10 * 1024 * 1024;

/** Telegram goes by the name's ending: uploads of bots come without a type. */
const MIME: Readonly<Record<string, string>> = {
  pdf: 'application/pdf', txt: 'text/plain', md: 'text/markdown', csv: 'text/csv', json: 'application/json', html: 'text/html', zip: 'application/zip',
  jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif', ogg: 'audio/ogg', oga: 'audio/ogg', mp3: 'audio/mpeg', m4a: 'audio/mp4', wav: 'audio/x-wav', mp4: 'video/mp4',
};
const FOLDER: Readonly<Record<string, string>> = { photo: 'photos', voice: 'voice', audio: 'music', video: 'videos', animation: 'animations', sticker: 'stickers', video_note: 'video_notes' };
const ENDING: Readonly<Record<string, string>> = { photo: 'jpg', voice: 'oga', audio: 'mp3', video: 'mp4', animation: 'mp4', sticker: 'webp', video_note: 'mp4' };

export interface NewFile {
  readonly kind: string;
  readonly bytes: Uint8Array;
  readonly name?: string;
  readonly mime?: string;
  readonly size?: number;
}

export function storeFile(world: World, { kind, bytes, name, mime, size }: NewFile): FileRecord {
  const number = world.nextId++;
  const ending = name?.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : undefined;
  const type = mime ?? MIME[ending ?? ENDING[kind] ?? ''];
  const record: FileRecord = {
    id: `AgACAgIAAxkB${kind}${String(number).padStart(6, '0')}`,
    uniqueId: `AQAD${String(number).padStart(8, '0')}`,
    kind,
    bytes,
    size: size ?? bytes.length,
    ...(name === undefined ? {} : { name }),
    ...(type === undefined ? {} : { mime: type }),
    path: `${FOLDER[kind] ?? 'documents'}/file_${number}.${ending ?? ENDING[kind] ?? 'bin'}`,
    open: false,
  };
  world.files.set(record.id, record);
  return record;
}

/** What a method names as a file: an upload, or a file_id of the right kind. The stand-in fetches nothing from the web. */
export function fileOf(world: World, files: Body['files'], kind: string, value: unknown): FileRecord {
  const wanted = String(value);
  if (wanted.startsWith('attach://')) {
    const upload = files.get(wanted.slice('attach://'.length));
    if (upload === undefined) throw badRequest(`${kind} isn't specified`);
    if (upload.bytes.length === 0) throw badRequest('file must be non-empty');
    if (upload.bytes.length > UPLOAD_MAX) throw new Refusal(413, 'Request Entity Too Large');
    if (kind === 'photo') checkPhoto(upload.bytes);
    return storeFile(world, { kind, bytes: upload.bytes, name: upload.name });
  }
  if (/^https?:/i.test(wanted)) throw badRequest('failed to get HTTP URL content');
  const known = world.files.get(wanted);
  if (known === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
  if (known.kind !== kind) throw badRequest(`type of file mismatch`);
  return known;
}

export function openFile(world: World, id: unknown): FileRecord {
  const record = world.files.get(String(id));
  if (record === undefined) throw badRequest('invalid file_id');
  if (record.size > DOWNLOAD_MAX) throw badRequest('file is too big');
  record.open = true;
  return record;
}

export const fileAt = (world: World, path: string): FileRecord | undefined => [...world.files.values()].find((record) => record.open && record.path === path);

/** Width and height where the header says so; Telegram rescales anyway. */
export function pictureSize(bytes: Uint8Array): { readonly width: number; readonly height: number } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.length >= 24 && view.toString('latin1', 1, 4) === 'PNG' ? { width: view.readUInt32BE(16), height: view.readUInt32BE(20) } : { width: 640, height: 480 };
}

function checkPhoto(bytes: Uint8Array): void {
  if (bytes.length > PHOTO_MAX) throw badRequest('file is too big: photo must be at most 10 MB');
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  const isPicture = head.startsWith('\u00ff\u00d8\u00ff') || head.startsWith('\u0089PNG') || head.startsWith('GIF8') || (head.startsWith('RIFF') && head.endsWith('WEBP'));
  if (!isPicture) throw badRequest('IMAGE_PROCESS_FAILED');
  const { width, height } = pictureSize(bytes);
  if (width + height > 10_000 || Math.max(width, height) > 20 * Math.min(width, height)) throw badRequest('PHOTO_INVALID_DIMENSIONS');
}

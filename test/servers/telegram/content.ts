/**
 * How a file looks inside a message: the same for what people send and for what the bot sends.
 *
 * Invariant: the shapes are those of the Bot API; a photo comes in sizes, smallest first, each with its own file_id.
 */
import type { Message } from '@grammyjs/types';

import { pictureSize, storeFile } from './files.js';
import type { FileRecord, World } from './world.js';

export type MediaKind = 'photo' | 'document' | 'voice' | 'audio' | 'video' | 'sticker' | 'animation' | 'video_note';

export interface MediaDetails {
  readonly duration?: number;
  readonly width?: number;
  readonly height?: number;
  readonly title?: string;
  readonly performer?: string;
  readonly emoji?: string;
  readonly setName?: string;
  readonly animated?: boolean;
}

export function mediaContent(world: World, kind: MediaKind, file: FileRecord, details: MediaDetails = {}): Partial<Message> {
  const base = { file_id: file.id, file_unique_id: file.uniqueId, file_size: file.size };
  const named = { ...(file.name === undefined ? {} : { file_name: file.name }), ...(file.mime === undefined ? {} : { mime_type: file.mime }) };
  const { width = 640, height = 480, duration = 1 } = details;
  switch (kind) {
    case 'photo': {
      const whole = { ...pictureSize(file.bytes), ...(details.width === undefined ? {} : { width }), ...(details.height === undefined ? {} : { height }) };
      const small = storeFile(world, { kind: 'photo', bytes: file.bytes, name: 'small.jpg' });
      const factor = 90 / Math.max(whole.width, whole.height, 90);
      return {
        photo: [
          { file_id: small.id, file_unique_id: small.uniqueId, file_size: small.size, width: Math.max(1, Math.round(whole.width * factor)), height: Math.max(1, Math.round(whole.height * factor)) },
          { ...base, ...whole },
        ],
      };
    }
    case 'document':
      return { document: { ...base, ...named } };
    case 'voice':
      return { voice: { ...base, duration, mime_type: file.mime ?? 'audio/ogg' } };
    case 'audio':
      return { audio: { ...base, ...named, duration, ...(details.title === undefined ? {} : { title: details.title }), ...(details.performer === undefined ? {} : { performer: details.performer }) } };
    case 'video':
      return { video: { ...base, ...named, width, height, duration } };
    case 'animation':
      return { animation: { ...base, ...named, width, height, duration }, document: { ...base, ...named } };
    case 'video_note':
      return { video_note: { ...base, length: 240, duration } };
    case 'sticker':
      return {
        sticker: {
          ...base, type: 'regular', width: 512, height: 512, is_animated: details.animated ?? file.path.endsWith('.tgs'), is_video: file.path.endsWith('.webm'),
          ...(details.emoji === undefined ? {} : { emoji: details.emoji }), ...(details.setName === undefined ? {} : { set_name: details.setName }),
        },
      };
  }
}

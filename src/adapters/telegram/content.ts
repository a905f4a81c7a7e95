/**
 * What a message holds: words, files to fetch, places, contacts; and in words what has no form of its own here. Pure.
 * Invariant: a service message holds nothing; whatever a person sent holds something.
 */
import type { Message, MessageEntity, MessageOrigin } from 'grammy/types';
import type { Attachment } from '../../core/message.js';
import { nameOf } from './entities.js';
import { richText } from './rich.js';

/** An attachment whose content is still at Telegram, or one without content. */
export interface Wanted {
  readonly attachment: Attachment;
  readonly fileId?: string;
}

export interface Content {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  readonly wanted: readonly Wanted[];
}

/** @returns undefined for service messages */
export function contentOf(message: Message): Content | undefined {
  const wanted = wantedOf(message);
  const text = message.text ?? message.caption ?? inWords(message);
  if (text === undefined && wanted.length === 0) return undefined;
  return { text: text ?? '', entities: message.entities ?? message.caption_entities ?? [], wanted };
}

/** `[forwarded from Ann]`, for the model; also keeps a forwarded `/stop` from being a command. */
export const forwardLine = (origin: MessageOrigin | undefined): string => (origin ? `[forwarded from ${originName(origin)}]\n` : '');

function originName(origin: MessageOrigin): string {
  switch (origin.type) {
    case 'user':
      return nameOf(origin.sender_user);
    case 'hidden_user':
      return origin.sender_user_name;
    case 'chat':
      return titleOf(origin.sender_chat);
    case 'channel':
      return titleOf(origin.chat);
  }
}

export const titleOf = (chat: { readonly title?: string; readonly first_name?: string; readonly username?: string; readonly id: number }): string => chat.title ?? chat.first_name ?? chat.username ?? String(chat.id);

function wantedOf(m: Message): readonly Wanted[] {
  if (m.photo) {
    // The same picture in several sizes, smallest first.
    const largest = m.photo.reduce((a, b) => (b.width * b.height >= a.width * a.height ? b : a));
    return [file('image', largest, { mime: 'image/jpeg' })];
  }
  // Before `document`: an animation comes with a document of the same content.
  if (m.animation) return [file('video', m.animation, { mime: m.animation.mime_type, name: m.animation.file_name, seconds: m.animation.duration })];
  if (m.live_photo) return [file('video', m.live_photo, { mime: m.live_photo.mime_type, seconds: m.live_photo.duration })];
  if (m.video) return [file('video', m.video, { mime: m.video.mime_type, name: m.video.file_name, seconds: m.video.duration })];
  if (m.video_note) return [file('video', m.video_note, { mime: 'video/mp4', seconds: m.video_note.duration })];
  if (m.voice) return [file('voice', m.voice, { mime: m.voice.mime_type, seconds: m.voice.duration })];
  if (m.audio) return [file('audio', m.audio, { mime: m.audio.mime_type, name: m.audio.file_name ?? audioName(m.audio), seconds: m.audio.duration })];
  if (m.document) return [file('document', m.document, { mime: m.document.mime_type, name: m.document.file_name })];
  if (m.sticker) return [file('sticker', m.sticker, { name: [m.sticker.emoji, m.sticker.set_name].filter(Boolean).join(' ') || undefined, mime: m.sticker.is_animated ? 'application/x-tgsticker' : m.sticker.is_video ? 'video/webm' : 'image/webp' })];
  if (m.venue) return [{ attachment: { kind: 'location', location: { latitude: m.venue.location.latitude, longitude: m.venue.location.longitude, title: [m.venue.title, m.venue.address].filter(Boolean).join(', ') } } }];
  if (m.location) return [{ attachment: { kind: 'location', location: { latitude: m.location.latitude, longitude: m.location.longitude } } }];
  if (m.contact) return [{ attachment: { kind: 'contact', contact: { name: nameOf(m.contact), phone: m.contact.phone_number } } }];
  return [];
}

interface Known {
  readonly mime?: string | undefined;
  readonly name?: string | undefined;
  readonly seconds?: number;
}

const file = (kind: Attachment['kind'], { file_id, file_size }: { readonly file_id: string; readonly file_size?: number }, { mime, name, seconds }: Known): Wanted => ({
  fileId: file_id,
  attachment: {
    kind,
    ...(mime === undefined ? {} : { mime }),
    ...(name === undefined ? {} : { name }),
    ...(file_size === undefined ? {} : { size: file_size }),
    ...(seconds === undefined ? {} : { durationMs: seconds * 1_000 }),
  },
});

const audioName = (audio: { readonly performer?: string; readonly title?: string }): string | undefined => [audio.performer, audio.title].filter(Boolean).join(' - ') || undefined;

/** Things a person sends that are neither words nor files. */
function inWords(m: Message): string | undefined {
  if (m.rich_message) return richText(m.rich_message);
  if (m.poll) return `[poll] ${m.poll.question}\n${m.poll.options.map((option) => `- ${option.text}`).join('\n')}`;
  if (m.checklist) return `[checklist] ${m.checklist.title}\n${m.checklist.tasks.map((task) => `- [${task.completion_date ? 'x' : ' '}] ${task.text}`).join('\n')}`;
  if (m.dice) return `[${m.dice.emoji} rolled: ${m.dice.value}]`;
  if (m.game) return `[game: ${m.game.title}]`;
  if (m.story) return `[a story of ${titleOf(m.story.chat)}, which bots cannot see]`;
  if (m.paid_media) return '[paid media, which bots cannot see]';
  if (m.invoice) return `[invoice: ${m.invoice.title}]`;
  if (m.giveaway) return '[giveaway]';
  return undefined;
}

/**
 * What a person can put into a message, in the words of a test, as the Bot API shows it.
 *
 * Invariant: entities are found as Telegram finds them unless they are given; files are stored and can be downloaded.
 */
import type { Message, MessageEntity } from '@grammyjs/types';

import { type MediaDetails, type MediaKind, mediaContent } from './content.js';
import { detectEntities } from './detect.js';
import { storeFile } from './files.js';
import { type ChatRecord, type World, now } from './world.js';

export interface PersonFile extends MediaDetails {
  /** Default: a few bytes. */
  readonly bytes?: Uint8Array;
  readonly name?: string;
  readonly mime?: string;
  /** Claims another size than `bytes` has: above 20 MB getFile refuses. */
  readonly size?: number;
}

export interface Content {
  readonly text?: string;
  readonly caption?: string;
  readonly entities?: readonly MessageEntity[];
  readonly photo?: PersonFile;
  readonly document?: PersonFile;
  readonly voice?: PersonFile;
  readonly audio?: PersonFile;
  readonly video?: PersonFile;
  readonly animation?: PersonFile;
  readonly videoNote?: PersonFile;
  readonly sticker?: PersonFile;
  readonly location?: { readonly latitude: number; readonly longitude: number };
  readonly venue?: { readonly latitude: number; readonly longitude: number; readonly title: string; readonly address: string };
  readonly contact?: { readonly phone: string; readonly firstName: string; readonly lastName?: string; readonly userId?: number };
  readonly mediaGroup?: readonly Content[];
  readonly replyTo?: Message;
  /** Quoted part of the message replied to. */
  readonly quote?: string;
  /** Number of a topic. */
  readonly topic?: number;
  /** Forwarded from somebody of this name. */
  readonly forwardedFrom?: string;
  /** Changes this message instead of sending one. */
  readonly edit?: Message;
  /** Anything else of a message, as it is. */
  readonly raw?: Partial<Message>;
}

const FILES: readonly (readonly [keyof Content, MediaKind])[] = [['photo', 'photo'], ['document', 'document'], ['voice', 'voice'], ['audio', 'audio'], ['video', 'video'], ['animation', 'animation'], ['videoNote', 'video_note'], ['sticker', 'sticker']];

/** The smallest PNG: one grey point. */
export const TINY_PNG = new Uint8Array(Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64'));

export function contentsOf(world: World, record: ChatRecord, content: Content): readonly Partial<Message>[] {
  const frame = frameOf(record, content);
  if (content.mediaGroup === undefined) return [{ ...frame, ...oneOf(world, content) }];
  const media_group_id = String(13_000_000_000_000_000n + BigInt(world.nextId++));
  return content.mediaGroup.map((part) => ({ ...frame, ...oneOf(world, part), media_group_id }));
}

function oneOf(world: World, content: Content): Partial<Message> {
  const found: Partial<Message> = {};
  const { text, caption, location, venue, contact } = content;
  if (text !== undefined) Object.assign(found, { text, ...entitiesOf('entities', text, content.entities) });
  for (const [name, kind] of FILES) {
    const file = content[name] as PersonFile | undefined;
    if (file === undefined) continue;
    const bytes = file.bytes ?? (kind === 'photo' ? TINY_PNG : new TextEncoder().encode(kind));
    Object.assign(found, mediaContent(world, kind, storeFile(world, { ...file, kind, bytes }), file));
  }
  if (caption !== undefined) Object.assign(found, { caption, ...entitiesOf('caption_entities', caption, content.entities) });
  if (location) found.location = { ...location };
  if (venue) Object.assign(found, { location: { latitude: venue.latitude, longitude: venue.longitude }, venue: { location: { latitude: venue.latitude, longitude: venue.longitude }, title: venue.title, address: venue.address } });
  if (contact) found.contact = { phone_number: contact.phone, first_name: contact.firstName, ...(contact.lastName === undefined ? {} : { last_name: contact.lastName }), ...(contact.userId === undefined ? {} : { user_id: contact.userId }) };
  return { ...found, ...content.raw };
}

function entitiesOf(name: 'entities' | 'caption_entities', text: string, given: readonly MessageEntity[] | undefined): Partial<Message> {
  const entities = given ?? detectEntities(text);
  return entities.length === 0 ? {} : { [name]: [...entities] };
}

function frameOf(record: ChatRecord, { replyTo, quote, topic, forwardedFrom }: Content): Partial<Message> {
  if (topic !== undefined && !record.topics.has(topic)) throw new Error(`no topic ${topic} in this chat`);
  const { reply_to_message: _, ...original } = replyTo ?? ({} as Partial<Message>);
  return {
    ...(topic === undefined ? {} : { message_thread_id: topic, is_topic_message: true }),
    ...(replyTo === undefined ? {} : { reply_to_message: original as Message['reply_to_message'] }),
    ...(quote === undefined ? {} : { quote: { text: quote, position: Math.max(0, (replyTo?.text ?? '').indexOf(quote)), is_manual: true } }),
    ...(forwardedFrom === undefined ? {} : { forward_origin: { type: 'hidden_user', sender_user_name: forwardedFrom, date: now() } }),
  };
}

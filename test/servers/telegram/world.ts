/**
 * Everything the stand-in remembers: people, chats, messages, files, button presses.
 *
 * Invariant: it lives outside the HTTP server, so a restart loses nothing. Messages are replaced, never changed in
 * place: who holds an old one keeps what he saw. Message ids are one row for all private chats and small groups and a
 * row of its own for each supergroup, as on Telegram: an id alone names no message.
 */
import type { Chat, Message, ReactionType, User, UserFromGetMe } from '@grammyjs/types';

import { badRequest, forbidden } from './refusal.js';

export interface UserRecord {
  readonly user: User;
  blockedBot: boolean;
  deactivated: boolean;
}

export interface Topic {
  readonly id: number;
  name: string;
  closed: boolean;
}

export interface Draft {
  readonly draftId: number;
  readonly threadId?: number;
  readonly text: string;
  readonly canStop: boolean;
}

export interface ChatAction {
  readonly at: number;
  readonly action: string;
  readonly threadId?: number;
}

export interface ChatRecord {
  readonly chat: Chat;
  /** Status by user id: `creator`, `administrator`, `member`, `left`. */
  readonly members: Map<number, string>;
  readonly topics: Map<number, Topic>;
  /** By id, oldest first; deleted ones are gone. */
  readonly messages: Map<number, Message>;
  /** Ids of what the bot sent, in order, whatever became of it. */
  readonly sent: number[];
  /** Messages past Telegram's 48 hours. */
  readonly aged: Set<number>;
  readonly actions: ChatAction[];
  /** The bot's own, by message. */
  readonly reactions: Map<number, readonly ReactionType[]>;
  /** What is shown as being written; a message of the bot ends it. */
  drafts: readonly Draft[];
  bot: 'administrator' | 'member' | 'left' | 'kicked';
  migratedTo?: number;
  nextMessageId: number;
}

export interface FileRecord {
  readonly id: string;
  readonly uniqueId: string;
  readonly kind: string;
  readonly bytes: Uint8Array;
  /** May be claimed larger than `bytes`, to play a file too big to download. */
  readonly size: number;
  readonly name?: string;
  readonly mime?: string;
  readonly path: string;
  /** The link of getFile: dead until it was asked for, and again after `expireFiles`. */
  open: boolean;
}

export interface QueryAnswer {
  readonly text?: string;
  readonly show_alert?: boolean;
  readonly url?: string;
}

export interface QueryRecord {
  readonly id: string;
  answer?: QueryAnswer;
  expired: boolean;
}

export interface World {
  readonly bot: UserFromGetMe;
  readonly users: Map<number, UserRecord>;
  readonly chats: Map<number, ChatRecord>;
  readonly files: Map<string, FileRecord>;
  readonly queries: Map<string, QueryRecord>;
  commands: unknown;
  /** One row of ids for private chats and small groups. */
  nextMessageId: number;
  nextId: number;
  /** Called after every change, so that whoever waits looks again. */
  changed: () => void;
}

export function createWorld(bot: UserFromGetMe): World {
  return { bot, users: new Map(), chats: new Map(), files: new Map(), queries: new Map(), commands: [], nextMessageId: 101, nextId: 1, changed: () => undefined };
}

export function addChat(world: World, chat: Chat): ChatRecord {
  const record: ChatRecord = {
    chat,
    members: new Map(),
    topics: new Map(),
    messages: new Map(),
    sent: [],
    aged: new Set(),
    actions: [],
    reactions: new Map(),
    drafts: [],
    bot: 'member',
    // The first message of a supergroup says that it was made; in a forum its number is that of the general topic.
    nextMessageId: 2,
  };
  world.chats.set(chat.id, record);
  return record;
}

export const now = (): number => Math.floor(Date.now() / 1000);

export function takeMessageId(world: World, record: ChatRecord): number {
  return record.chat.type === 'supergroup' ? record.nextMessageId++ : world.nextMessageId++;
}

/** Puts a message into its chat, as any participant then sees it. */
export function addMessage(world: World, record: ChatRecord, from: User, content: Partial<Message>): Message {
  const message = { message_id: takeMessageId(world, record), from, chat: record.chat, date: now(), ...content } as Message;
  record.messages.set(message.message_id, message);
  if (from.id === world.bot.id) {
    record.sent.push(message.message_id);
    record.drafts = [];
  }
  return message;
}

/** The chat a method names. Telegram knows no chat with a person who never wrote to the bot. */
export function chatOf(world: World, id: unknown): ChatRecord {
  const wanted = String(id);
  if (wanted === '') throw badRequest('chat_id is empty');
  for (const record of world.chats.values()) {
    const name = record.chat.type === 'private' ? undefined : record.chat.username;
    if (String(record.chat.id) !== wanted && (name === undefined || `@${name}`.toLowerCase() !== wanted.toLowerCase())) continue;
    if (record.migratedTo !== undefined) throw badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: record.migratedTo });
    if (record.bot === 'kicked') throw forbidden(`bot was kicked from the ${record.chat.type} chat`);
    if (record.bot === 'left') throw forbidden(`bot is not a member of the ${record.chat.type} chat`);
    return record;
  }
  throw badRequest('chat not found');
}

/** The chat, if the bot may speak in it. */
export function writableChat(world: World, id: unknown): ChatRecord {
  const record = chatOf(world, id);
  const person = record.chat.type === 'private' ? world.users.get(record.chat.id) : undefined;
  if (person?.deactivated) throw forbidden('user is deactivated');
  if (person?.blockedBot) throw forbidden('bot was blocked by the user');
  return record;
}

/**
 * People who use Telegram: they write, answer, edit, press and react, and the bot hears of it as the Bot API tells it.
 *
 * Invariant: a person can do only what a person can: write where he is a member, press a button that is on the screen
 * now. Anything else is a mistake of the test and throws.
 */
import { randomUUID } from 'node:crypto';

import type { Message, MessageEntity, ReactionType, User } from '@grammyjs/types';

import type { ChatHandle } from './chat-handle.js';
import { detectEntities } from './detect.js';
import { type Content, contentsOf } from './person-content.js';
import { isInline } from './sending.js';
import type { Updates } from './updates.js';
import { type ChatRecord, type QueryAnswer, type World, addMessage, now } from './world.js';

export interface Button {
  readonly text: string;
  readonly data: string;
  readonly message: Message;
}

export interface Press {
  readonly queryId: string;
  /** What the bot answered so far; undefined while the button still spins. */
  readonly answer: () => QueryAnswer | undefined;
}

export interface Person {
  readonly id: number;
  readonly user: User;
  /** Returns the message as the chat has it; a media group returns all of its messages. */
  sends(chat: ChatHandle, content: Content & { readonly mediaGroup: readonly Content[] }): readonly Message[];
  sends(chat: ChatHandle, content: string | Content): Message;
  edits(message: Message, content: string | Content): Message;
  deletes(message: Message): void;
  presses(button: Button): Press;
  reacts(message: Message, ...emoji: readonly string[]): void;
  /** Presses the stop button of a draft. */
  stops(chat: ChatHandle, draftId: number): void;
}

export interface PeopleDeps {
  readonly world: World;
  readonly updates: Updates;
  /** Told which update carries which message. */
  readonly carried: (message: Message, updateId: number | undefined) => void;
}

export function createPerson({ world, updates, carried }: PeopleDeps, user: User): Person {
  const reactions = new Map<string, ReactionType[]>();
  const recordOf = (chatId: number): ChatRecord => {
    const record = world.chats.get(chatId);
    if (record === undefined) throw new Error(`no chat ${chatId}`);
    if (record.chat.type !== 'private' && !record.members.has(user.id)) throw new Error(`${user.first_name} is not in "${record.chat.title}"`);
    return record;
  };
  const deliver = (record: ChatRecord, message: Message): void => {
    if (record.bot === 'kicked' || record.bot === 'left') return;
    if (isVisible(world, record, message)) carried(message, updates.push({ message: message as never }));
    else world.changed();
  };

  const edits = (message: Message, content: string | Content): Message => {
    const record = recordOf(message.chat.id);
    const [changed = {}] = contentsOf(world, record, typeof content === 'string' ? (message.text === undefined ? { caption: content } : { text: content }) : content);
    const edited = { ...(record.messages.get(message.message_id) ?? message), ...changed, edit_date: now() } as Message;
    record.messages.set(message.message_id, edited);
    carried(edited, updates.push({ edited_message: edited as never }));
    return edited;
  };

  function sends(chat: ChatHandle, content: Content & { readonly mediaGroup: readonly Content[] }): readonly Message[];
  function sends(chat: ChatHandle, content: string | Content): Message;
  function sends(chat: ChatHandle, given: string | Content): Message | readonly Message[] {
    const content: Content = typeof given === 'string' ? { text: given } : given;
    if (content.edit !== undefined) return edits(content.edit, content);
    const record = recordOf(chat.id);
    const messages = updates.batch(() =>
      contentsOf(world, record, content).map((part) => {
        const message = addMessage(world, record, user, part);
        deliver(record, message);
        return message;
      }),
    );
    const [first] = messages;
    if (first === undefined) throw new Error('nothing to send');
    return content.mediaGroup === undefined ? first : messages;
  }

  return {
    id: user.id,
    user,
    sends,
    edits,
    deletes: (message) => {
      // The bot is not told; it notices when it replies.
      recordOf(message.chat.id).messages.delete(message.message_id);
      world.changed();
    },
    presses({ message, text, data }) {
      const shown = recordOf(message.chat.id).messages.get(message.message_id);
      const there = isInline(shown?.reply_markup) && shown.reply_markup.inline_keyboard.flat().some((button) => button.text === text && 'callback_data' in button && button.callback_data === data);
      if (!shown || !there) throw new Error(`the button "${text}" is no longer on the screen`);
      const query = { id: String(4_000_000_000_000_000_000n + BigInt(world.nextId++)), expired: false, answer: undefined as QueryAnswer | undefined };
      world.queries.set(query.id, query as never);
      updates.push({ callback_query: { id: query.id, from: user, message: shown as never, chat_instance: randomUUID(), data } });
      return { queryId: query.id, answer: () => query.answer };
    },
    reacts(message, ...emoji) {
      const record = recordOf(message.chat.id);
      const at = `${record.chat.id}:${message.message_id}`;
      const old_reaction = reactions.get(at) ?? [];
      const new_reaction = emoji.map((one) => ({ type: 'emoji', emoji: one }) as ReactionType);
      reactions.set(at, new_reaction);
      updates.push({ message_reaction: { chat: record.chat, message_id: message.message_id, user, date: now(), old_reaction, new_reaction } });
    },
    stops(chat, draftId) {
      const record = recordOf(chat.id);
      const draft = record.drafts.find((one) => one.draftId === draftId);
      if (!draft?.canStop || record.chat.type !== 'private') throw new Error(`no draft ${draftId} with a stop button`);
      record.drafts = record.drafts.filter((one) => one !== draft);
      updates.push({ stopped_message_generation: { chat: record.chat, draft_id: draftId, ...(draft.threadId === undefined ? {} : { message_thread_id: draft.threadId }) } });
    },
  };
}

/** With privacy mode on, a bot in a group sees commands, mentions of itself and replies to itself. */
function isVisible(world: World, record: ChatRecord, message: Message): boolean {
  if (record.chat.type === 'private' || world.bot.can_read_all_group_messages || record.bot === 'administrator') return true;
  const text = message.text ?? message.caption ?? '';
  const entities: readonly MessageEntity[] = message.entities ?? message.caption_entities ?? detectEntities(text);
  const named = (entity: MessageEntity): boolean => text.slice(entity.offset, entity.offset + entity.length).toLowerCase() === `@${world.bot.username}`.toLowerCase();
  return message.reply_to_message?.from?.id === world.bot.id || entities.some((entity) => (entity.type === 'bot_command' && entity.offset === 0) || (entity.type === 'mention' && named(entity)) || (entity.type === 'text_mention' && entity.user.id === world.bot.id));
}

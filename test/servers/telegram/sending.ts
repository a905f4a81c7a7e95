/**
 * What every sending method shares: which chat, which topic, a reply to what, which buttons.
 *
 * Invariant: checked in the order of Telegram's server (chat, message replied to, topic), so that a call wrong in two
 * ways is refused for the same reason here and there; nothing is stored before everything was checked.
 */
import type { InlineKeyboardMarkup, Message, ReplyParameters } from '@grammyjs/types';

import { badRequest } from './refusal.js';
import type { Params } from './schema.js';
import { type ChatRecord, type World, chatOf, writableChat } from './world.js';

export interface Prepared {
  readonly record: ChatRecord;
  /** What goes into the message besides its content. */
  readonly frame: Partial<Message>;
}

export function prepare(world: World, params: Params): Prepared {
  checkKeyboard(params.reply_markup);
  const record = writableChat(world, params.chat_id);
  const reply = replyOf(world, record, params);
  const thread = threadOf(record, params.message_thread_id);
  const markup = isInline(params.reply_markup) ? { reply_markup: params.reply_markup } : {};
  return { record, frame: { ...thread, ...reply, ...markup } };
}

/** The topic must exist and be open. The general topic of a forum has no number when sending. */
export function threadOf(record: ChatRecord, id: unknown): Partial<Message> {
  if (id === undefined) return {};
  const topic = record.topics.get(Number(id));
  if (topic === undefined) throw badRequest('message thread not found');
  if (topic.closed) throw badRequest('TOPIC_CLOSED');
  return { message_thread_id: topic.id, is_topic_message: true };
}

function replyOf(world: World, record: ChatRecord, params: Params): Partial<Message> {
  const given = params.reply_parameters as ReplyParameters | undefined;
  const id = given?.message_id ?? (params.reply_to_message_id as number | undefined);
  if (id === undefined) return {};
  const elsewhere = given?.chat_id !== undefined && String(given.chat_id) !== String(record.chat.id);
  const source = elsewhere ? chatOf(world, given.chat_id) : record;
  const original = source.messages.get(id);
  if (original === undefined) {
    if (given?.allow_sending_without_reply === true) return {};
    throw badRequest('message to be replied not found');
  }
  if (given?.quote !== undefined && !(original.text ?? original.caption ?? '').includes(given.quote)) throw badRequest('QUOTE_TEXT_INVALID');
  if (elsewhere) return {};
  const { reply_to_message: _, ...flat } = original;
  return { reply_to_message: flat as Message['reply_to_message'] };
}

export const isInline = (markup: unknown): markup is InlineKeyboardMarkup => typeof markup === 'object' && markup !== null && 'inline_keyboard' in markup;

export function checkKeyboard(markup: unknown): void {
  if (!isInline(markup)) return;
  for (const button of markup.inline_keyboard.flat()) {
    if (button.text === '') throw badRequest("can't parse inline keyboard button: text must be non-empty");
    const size = 'callback_data' in button ? Buffer.byteLength(button.callback_data) : 1;
    if (size < 1 || size > 64) throw badRequest('BUTTON_DATA_INVALID');
  }
}

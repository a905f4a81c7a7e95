/**
 * Changing and removing what was sent. Only the bot's own messages can be edited; an edit that changes nothing is
 * refused, and one without a keyboard takes the keyboard away.
 */
import { isDeepStrictEqual } from 'node:util';

import type { Message } from '@grammyjs/types';

import { badRequest } from '../refusal.js';
import { checkKeyboard, isInline } from '../sending.js';
import type { Params } from '../schema.js';
import { checkCaption, checkText, formatted } from '../text.js';
import { type ChatRecord, type World, now, writableChat } from '../world.js';
import { type Methods, textOf } from './context.js';
import { captionOf } from './media.js';
import { richContent } from './messages.js';

interface Target {
  readonly record: ChatRecord;
  readonly message: Message;
}

function editable(world: World, params: Params): Target {
  checkKeyboard(params.reply_markup);
  if (params.chat_id === undefined || params.message_id === undefined) throw badRequest('message identifier is not specified');
  const record = writableChat(world, params.chat_id);
  const message = record.messages.get(Number(params.message_id));
  if (message === undefined) throw badRequest('message to edit not found');
  if (message.from?.id !== world.bot.id || record.aged.has(message.message_id)) throw badRequest("message can't be edited");
  return { record, message };
}

function replace({ record, message }: Target, changes: Partial<Message>, drop: readonly (keyof Message)[], markup: unknown): Message {
  const { reply_markup: _, ...rest } = message;
  for (const key of drop) delete rest[key as keyof typeof rest];
  const next = { ...rest, ...changes, ...(isInline(markup) && markup.inline_keyboard.length > 0 ? { reply_markup: markup } : {}) } as Message;
  if (isDeepStrictEqual({ ...next, edit_date: 0 }, { ...message, edit_date: 0 })) {
    throw badRequest('message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message');
  }
  const edited = { ...next, edit_date: now() } as Message;
  record.messages.set(message.message_id, edited);
  return edited;
}

function remove(record: ChatRecord, id: number): boolean {
  record.aged.delete(id);
  return record.messages.delete(id);
}

export const edits: Methods = {
  editMessageText({ world, params }) {
    const rich = params.rich_message;
    if (rich === undefined && textOf(params.text) === '') throw badRequest('message text is empty');
    const plain = rich === undefined ? formatted(textOf(params.text), params.parse_mode, params.entities) : undefined;
    const target = editable(world, params);
    if (target.message.text === undefined && target.message.rich_message === undefined) throw badRequest('there is no text in the message to edit');
    if (plain === undefined) return replace(target, richContent(rich), ['text', 'entities'], params.reply_markup);
    checkText(plain.text, 'MESSAGE_TOO_LONG');
    return replace(target, { text: plain.text, ...(plain.entities.length === 0 ? {} : { entities: [...plain.entities] }) }, ['entities', 'rich_message'], params.reply_markup);
  },
  editMessageCaption({ world, params }) {
    const caption = captionOf(params);
    const target = editable(world, params);
    const { photo, video, document, audio, voice } = target.message;
    if ([photo, video, document, audio, voice].every((part) => part === undefined)) throw badRequest('there is no caption in the message to edit');
    checkCaption(caption.caption ?? '');
    return replace(target, caption, ['caption', 'caption_entities'], params.reply_markup);
  },
  editMessageReplyMarkup: ({ world, params }) => replace(editable(world, params), {}, [], params.reply_markup),
  deleteMessage({ world, params }) {
    const record = writableChat(world, params.chat_id);
    const message = record.messages.get(Number(params.message_id));
    if (message === undefined) throw badRequest('message to delete not found');
    const mine = message.from?.id === world.bot.id;
    if (record.aged.has(message.message_id) || (!mine && record.chat.type !== 'private' && record.bot !== 'administrator')) throw badRequest("message can't be deleted");
    return remove(record, message.message_id);
  },
  deleteMessages({ world, params }) {
    const record = writableChat(world, params.chat_id);
    // What is not there is skipped without a word.
    for (const id of params.message_ids as readonly number[]) remove(record, id);
    return true;
  },
};

/** Text: sendMessage and its drafts, plain and rich. A draft is shown to a person in a private chat and is no message. */
import type { InputRichMessage, Message, RichMessage } from '@grammyjs/types';

import { badRequest } from '../refusal.js';
import { prepare, threadOf } from '../sending.js';
import { TEXT_MAX, checkText, formatted } from '../text.js';
import { type Draft, addMessage, writableChat } from '../world.js';
import { type Method, type MethodContext, type Methods, textOf } from './context.js';

/** @grammyjs/types: a rich message has up to 32768 UTF-8 characters. */
const RICH_MAX = 32_768;

export const richContent = (given: unknown): Partial<Message> => {
  const { markdown, html, blocks } = given as InputRichMessage<string>;
  const parts = [markdown, html, blocks].filter((part) => part !== undefined);
  if (parts.length !== 1) throw badRequest('exactly one of blocks, html and markdown must be specified in rich_message');
  const source = markdown ?? html?.replace(/<[^>]*>/g, '');
  if (source === undefined) return { rich_message: { blocks } as unknown as RichMessage };
  if (source.trim() === '') throw badRequest('text must be non-empty');
  if ([...source].length > RICH_MAX) throw badRequest('message is too long');
  // Only paragraphs: what Telegram makes of the Markdown inside is not played here.
  const paragraphs = source.split(/\n{2,}/).map((text) => ({ type: 'paragraph', text: text.trim() }));
  return { rich_message: { blocks: paragraphs } as unknown as RichMessage };
};

const sendMessage: Method = ({ world, params }) => {
  if (textOf(params.text) === '') throw badRequest('message text is empty');
  const { text, entities } = formatted(textOf(params.text), params.parse_mode, params.entities);
  const { record, frame } = prepare(world, params);
  checkText(text);
  return addMessage(world, record, world.bot, { ...frame, text, ...(entities.length === 0 ? {} : { entities: [...entities] }) });
};

const sendRichMessage: Method = ({ world, params }) => {
  const content = richContent(params.rich_message);
  const { record, frame } = prepare(world, params);
  return addMessage(world, record, world.bot, { ...frame, ...content });
};

function showDraft({ world, params }: MethodContext, text: string): true {
  const record = writableChat(world, params.chat_id);
  if (record.chat.type !== 'private') throw badRequest('TEXTDRAFT_PEER_INVALID');
  const draftId = Number(params.draft_id);
  if (draftId === 0) throw badRequest('draft_id must be non-zero');
  const { message_thread_id: threadId } = threadOf(record, params.message_thread_id);
  const draft: Draft = { draftId, text, canStop: params.can_stop === true, ...(threadId === undefined ? {} : { threadId }) };
  record.drafts = [...record.drafts.filter((one) => one.draftId !== draftId), draft];
  return true;
}

export const messages: Methods = {
  sendMessage,
  sendRichMessage,
  sendMessageDraft(context) {
    const { text } = formatted(textOf(context.params.text), context.params.parse_mode, context.params.entities);
    if (text.length > TEXT_MAX) throw badRequest('message is too long');
    return showDraft(context, text);
  },
  sendRichMessageDraft(context) {
    const { markdown = '', html = '' } = context.params.rich_message as InputRichMessage<string>;
    return showDraft(context, markdown === '' ? html : markdown);
  },
};

/**
 * Sends frozen parts, edits, reacts, shows typing.
 * Invariants: one call that may have an effect is made at a time, and only after an earlier one was certainly refused is
 * another way tried; every failure is a SendError that says whether the platform may have taken it.
 */
import { stat } from 'node:fs/promises';
import { type Api, InputFile } from 'grammy';
import type { InlineKeyboardMarkup, InputMediaAudio, InputMediaDocument, InputMediaPhoto, InputMediaVideo, Message, ReactionTypeEmoji, ReplyParameters } from 'grammy/types';
import { type Address, type ChannelAccount, type ChannelSender, type OutboundPart, SEND_FAILURES, SendError, type SentPart } from '../../core/channel.js';
import type { Attachment } from '../../core/message.js';
import type { MediaStore } from '../../core/ports.js';
import type { AdapterTimings } from '../contract.js';
import type { StatusKeeper } from '../lib/status.js';
import { type TelegramClient, within } from './client.js';
import { isMarkupRefused, isNotModified, isPictureRefused, movedTo, toSendError } from './errors.js';
import { telegramHtml } from './html.js';
import { fileName, formOf, UPLOAD_BYTES } from './outbound.js';
import { toParts } from './parts.js';

export interface SenderDeps extends ChannelAccount {
  readonly client: TelegramClient;
  readonly media: MediaStore;
  readonly status: StatusKeeper;
  readonly timings: AdapterTimings;
  readonly chunkLimit?: number;
}

export type TelegramSender = Required<Pick<ChannelSender, 'edit' | 'react' | 'typing'>> & ChannelSender;

/** Its messages carry no thread id, though its topic has one. */
const GENERAL_TOPIC = '1';
/** The method names of one file. */
type FileForm = 'photo' | 'animation' | 'video' | 'audio' | 'voice' | 'document';

interface Place {
  readonly chat: number | string;
  readonly thread: { readonly message_thread_id?: number };
}

export function createSender(deps: SenderDeps): TelegramSender {
  const { client, status, timings } = deps;
  /** Groups that became supergroups, by their old id. */
  const moved = new Map<string, string>();

  /** Follows a group that moved; nothing was done in the old one. @throws SendError */
  async function at<T>(to: Address, call: (api: Api, place: Place) => Promise<T>): Promise<T> {
    const chat = to.conversation.parentId ?? to.conversation.id;
    const place = (id: string): Place => ({ chat: /^-?\d+$/.test(id) ? Number(id) : id, thread: threadOf(to) });
    try {
      const result = await attempt(chat);
      status.outbound();
      return result;
    } catch (error) {
      throw toSendError(error);
    }

    async function attempt(id: string): Promise<T> {
      try {
        return await call(client.api(), place(moved.get(id) ?? id));
      } catch (error) {
        const next = movedTo(error);
        if (next === undefined) throw error;
        moved.set(id, next);
        return call(client.api(), place(next));
      }
    }
  }

  async function send(to: Address, part: OutboundPart): Promise<SentPart> {
    const { attachments } = part;
    const files = await Promise.all(attachments.map((attachment) => prepare(deps.media, attachment)));
    const messages = await at(to, (api, place) => withMarkup(part, (words) => sendOnce(api, place, part, words, files)));
    return { platformIds: messages.map(({ message_id: id }) => String(id)) };
  }

  async function sendOnce(api: Api, { chat, thread }: Place, part: OutboundPart, words: Words, files: readonly InputFileOf[]): Promise<readonly Message[]> {
    const common = { ...thread, ...replyTo(part), ...keyboard(part) };
    const [only, ...more] = part.attachments;
    if (!only) return [await api.sendMessage(chat, words.text, { ...common, ...words.mode }, within(timings.call))];
    if (more.length > 0) {
      const album = part.attachments.map((one, index) => inAlbum(one, files[index]?.() ?? refuseMissing(), index === 0 && words.text !== '' ? words : undefined));
      // Its types want albums of one kind; `albums` made them so.
      return api.sendMediaGroup(chat, album as readonly InputMediaPhoto[], { ...thread, ...replyTo(part) }, within(timings.transfer));
    }
    if (only.location) return [await sendPlace(api, chat, only.location, common)];
    if (only.contact) return [await api.sendContact(chat, only.contact.phone ?? '', only.contact.name ?? only.contact.phone ?? '', common, within(timings.call))];
    const caption = captionOf(only, words.text === '' ? undefined : words);
    const form = formOf(only) as FileForm;
    const file = files[0] ?? refuseMissing;
    try {
      return [await sendFile(api, form, chat, file(), { ...common, ...caption })];
    } catch (error) {
      // Refused, so nothing was sent: a picture of unusual measures goes as a file.
      if (form !== 'photo' || !isPictureRefused(error)) throw error;
      return [await sendFile(api, 'document', chat, file(), { ...common, ...caption })];
    }
  }

  function sendPlace(api: Api, chat: Place['chat'], { latitude, longitude, title }: NonNullable<Attachment['location']>, common: object): Promise<Message> {
    return title === undefined ? api.sendLocation(chat, latitude, longitude, common, within(timings.call)) : api.sendVenue(chat, latitude, longitude, title, title, common, within(timings.call));
  }

  function sendFile(api: Api, form: FileForm, chat: Place['chat'], file: InputFile, other: object): Promise<Message> {
    const signal = within(timings.transfer);
    switch (form) {
      case 'photo': return api.sendPhoto(chat, file, other, signal);
      case 'animation': return api.sendAnimation(chat, file, other, signal);
      case 'video': return api.sendVideo(chat, file, other, signal);
      case 'audio': return api.sendAudio(chat, file, other, signal);
      case 'voice': return api.sendVoice(chat, file, other, signal);
      case 'document': return api.sendDocument(chat, file, other, signal);
    }
  }

  return {
    channel: deps.channel,
    account: deps.account,
    capabilities: { edit: true, react: true, typing: true, buttons: true, attachments: true, textLimit: telegramHtml.limit, mediaBytes: UPLOAD_BYTES },
    render: (markdown, attachments, buttons) => toParts(markdown, attachments, buttons, deps.chunkLimit),
    send,

    async edit(to, platformId, part) {
      await at(to, (api, { chat }) =>
        withMarkup(part, ({ text, mode }) =>
          part.attachments.length > 0
            ? api.editMessageCaption(chat, Number(platformId), { caption: text, ...mode, ...keyboard(part) }, within(timings.call))
            : api.editMessageText(chat, Number(platformId), text, { ...mode, ...keyboard(part) }, within(timings.call)),
        ).catch(unlessNotModified),
      );
    },

    async react(to, platformId, emoji) {
      const reaction = emoji === undefined ? [] : [{ type: 'emoji', emoji } as ReactionTypeEmoji];
      await at(to, (api, { chat }) => api.setMessageReaction(chat, Number(platformId), reaction, {}, within(timings.call)).catch(unlessNotModified));
    },

    async typing(to) {
      await at(to, (api, { chat, thread }) => api.sendChatAction(chat, 'typing', thread, within(timings.call))).catch(() => undefined);
    },
  };
}

interface Words {
  readonly text: string;
  readonly mode: { readonly parse_mode?: 'HTML' };
}

/** The markup first; as plain text when Telegram refuses the markup, which it does before it does anything. */
async function withMarkup<T>(part: OutboundPart, call: (words: Words) => Promise<T>): Promise<T> {
  if (part.format !== telegramHtml.format) return call({ text: part.text, mode: {} });
  try {
    return await call({ text: part.text, mode: { parse_mode: 'HTML' } });
  } catch (error) {
    if (!isMarkupRefused(error)) throw error;
    return call({ text: part.plain, mode: {} });
  }
}

const threadOf = (to: Address): Place['thread'] => {
  const thread = to.thread ?? (to.conversation.kind === 'thread' ? to.conversation.id : undefined);
  return thread === undefined || thread === GENERAL_TOPIC || !/^\d+$/.test(thread) ? {} : { message_thread_id: Number(thread) };
};

/** Answers a message that may be gone by now: then it is sent all the same. */
function replyTo({ replyTo: id }: OutboundPart): { readonly reply_parameters?: ReplyParameters } {
  return id !== undefined && /^\d+$/.test(id) ? { reply_parameters: { message_id: Number(id), allow_sending_without_reply: true } } : {};
}

function keyboard({ buttons }: OutboundPart): { readonly reply_markup?: InlineKeyboardMarkup } {
  if (!buttons || buttons.length === 0) return {};
  return { reply_markup: { inline_keyboard: buttons.map((row) => row.map(({ label, command }) => ({ text: label, callback_data: command }))) } };
}

const captionOf = (attachment: Attachment, words: Words | undefined): { readonly caption?: string; readonly parse_mode?: 'HTML' } =>
  words ? { caption: words.text, ...words.mode } : attachment.caption === undefined ? {} : { caption: attachment.caption.slice(0, 1024) };

type InAlbum = InputMediaAudio | InputMediaDocument | InputMediaPhoto | InputMediaVideo;
function inAlbum(attachment: Attachment, media: InputFile, words: Words | undefined): InAlbum {
  const form = formOf(attachment);
  return { type: form === 'photo' || form === 'video' || form === 'audio' ? form : 'document', media, ...captionOf(attachment, words) };
}

/** Anew for each try: a stream is read once. */
type InputFileOf = () => InputFile;

/** @throws SendError Refused */
async function prepare(media: MediaStore, attachment: Attachment): Promise<InputFileOf> {
  if (attachment.location || attachment.contact) return refuseMissing;
  if (!attachment.media) return refuseMissing();
  const path = media.path(attachment.media);
  const found = await stat(path).catch(() => undefined);
  if (!found) return refuseMissing();
  if (found.size > UPLOAD_BYTES) throw new SendError(SEND_FAILURES.Refused, `${fileName(attachment)} has ${found.size} bytes; Telegram takes ${UPLOAD_BYTES} from a bot`);
  if (found.size === 0) throw new SendError(SEND_FAILURES.Refused, `${fileName(attachment)} is empty; Telegram takes no empty file`);
  return () => new InputFile(path, fileName(attachment));
}

function refuseMissing(): never {
  throw new SendError(SEND_FAILURES.Refused, 'the file to send is not in the media store');
}

function unlessNotModified(error: unknown): void {
  if (!isNotModified(error)) throw error;
}

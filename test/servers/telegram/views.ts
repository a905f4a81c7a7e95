/**
 * What a person sees, and waiting for it.
 *
 * Invariant: `sent` is the truth after every edit and deletion. `nextSent` and `nextCall` walk forward and never give
 * the same message or call twice, so a test cannot miss what came before it asked.
 */
import type { Message, ReactionType } from '@grammyjs/types';

import type { Call, CallLog } from './calls.js';
import type { Watch } from './watch.js';
import type { Button } from './people.js';
import { isInline } from './sending.js';
import type { ChatAction, ChatRecord, Draft, World } from './world.js';

export interface Views {
  /** The bot's messages in the chat as they are now, oldest first. */
  sent(chat: { readonly id: number }): readonly Message[];
  /** Everybody's messages. */
  seen(chat: { readonly id: number }): readonly Message[];
  /** The texts (or captions) of `sent`. */
  texts(chat: { readonly id: number }): readonly string[];
  /** The next message of the bot that was not given yet and fits; passes over those before it. */
  nextSent(chat: { readonly id: number }, fits?: (message: Message) => boolean, timeoutMs?: number): Promise<Message>;
  /** The next call of the method, answered or not. */
  nextCall(method: string, fits?: (call: Call) => boolean, timeoutMs?: number): Promise<Call>;
  callsOf(method: string): readonly Call[];
  /** Buttons on the screen now. */
  buttons(chat: { readonly id: number }): readonly Button[];
  /** The button of that label; throws where there is none. */
  button(chat: { readonly id: number }, label: string | RegExp): Button;
  drafts(chat: { readonly id: number }): readonly Draft[];
  actions(chat: { readonly id: number }): readonly ChatAction[];
  reactionsOn(message: Message): readonly ReactionType[];
  /** A file the bot sent or got, by file_id. */
  fileBytes(fileId: string): Uint8Array;
  commands(): unknown;
}

export function createViews({ world, watch, log }: { readonly world: World; readonly watch: Watch; readonly log: CallLog }): Views {
  const sentTo = new Map<number, number>();
  const called = new Map<string, number>();
  const recordOf = (chat: { readonly id: number }): ChatRecord => {
    const record = world.chats.get(chat.id);
    if (record === undefined) throw new Error(`no chat ${chat.id}`);
    return record;
  };
  const seen = (chat: { readonly id: number }): readonly Message[] => [...recordOf(chat).messages.values()];
  const sent = (chat: { readonly id: number }): readonly Message[] => seen(chat).filter((message) => message.from?.id === world.bot.id);
  const texts = (chat: { readonly id: number }): readonly string[] => sent(chat).map((message) => message.text ?? message.caption ?? richText(message));
  const buttons = (chat: { readonly id: number }): readonly Button[] =>
    sent(chat).flatMap((message) => (isInline(message.reply_markup) ? message.reply_markup.inline_keyboard.flat() : []).flatMap((button) => ('callback_data' in button ? [{ text: button.text, data: button.callback_data, message }] : [])));
  const callsOf = (method: string): readonly Call[] => log.calls.filter((call) => call.method.toLowerCase() === method.toLowerCase());
  return {
    sent,
    seen,
    texts,
    buttons,
    callsOf,
    button(chat, label) {
      const found = buttons(chat).find(({ text }) => (typeof label === 'string' ? text === label : label.test(text)));
      if (found === undefined) throw new Error(`no button ${String(label)} on the screen; there are: ${buttons(chat).map(({ text }) => text).join(', ') || 'none'}`);
      return found;
    },
    nextSent: (chat, fits = () => true, timeoutMs) =>
      watch.until(() => {
        const record = recordOf(chat);
        for (let at = sentTo.get(chat.id) ?? 0; at < record.sent.length; at += 1) {
          const message = record.messages.get(record.sent[at] ?? 0);
          if (message === undefined || !fits(message)) continue;
          sentTo.set(chat.id, at + 1);
          return message;
        }
        return undefined;
      }, () => `a message in chat ${chat.id}; it has: ${JSON.stringify(texts(chat))}`, timeoutMs),
    nextCall: (method, fits = () => true, timeoutMs) =>
      watch.until(() => {
        const calls = callsOf(method);
        for (let at = called.get(method.toLowerCase()) ?? 0; at < calls.length; at += 1) {
          const call = calls[at];
          if (call === undefined || !fits(call)) continue;
          called.set(method.toLowerCase(), at + 1);
          return call;
        }
        return undefined;
      }, () => `a call of ${method}; the last calls: ${log.calls.slice(-10).map((call) => call.method).join(', ')}`, timeoutMs),
    drafts: (chat) => recordOf(chat).drafts,
    actions: (chat) => recordOf(chat).actions,
    reactionsOn: (message) => recordOf(message.chat).reactions.get(message.message_id) ?? [],
    fileBytes(fileId) {
      const file = world.files.get(fileId);
      if (file === undefined) throw new Error(`no file ${fileId}`);
      return file.bytes;
    },
    commands: () => world.commands,
  };
}

function richText(message: Message): string {
  const blocks = (message.rich_message as { readonly blocks?: readonly { readonly text?: unknown }[] } | undefined)?.blocks ?? [];
  return blocks.map(({ text }) => (typeof text === 'string' ? text : '')).join('\n\n');
}

/** The contract of a channel, kept by Telegram's adapter against our stand-in. */
import type { Message } from '@grammyjs/types';
import { createTelegram } from '../../../src/adapters/telegram/index.js';
import { channelConformance } from '../../conformance/channel.js';
import { FAST, type Platform } from '../../conformance/platform.js';
import { type Fault, startTelegram } from '../../servers/telegram/index.js';
import { accountOf, makeMedia } from './standin.js';

async function start(): Promise<Platform> {
  const tg = await startTelegram();
  const media = await makeMedia();
  const ann = tg.person({ firstName: 'Ann' });
  const bob = tg.person({ firstName: 'Bob' });
  const chats = { first: tg.privateChat(ann), second: tg.privateChat(bob) };
  const written = new Map<string, Message>();
  const { token } = tg;
  const config = accountOf(tg);
  const messageOf = (id: string): Message => written.get(id)!;
  let refusal: Fault | undefined;
  const conversation = (id: number) => ({ channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: String(id) } }) as const;

  return {
    adapter: (deps) => createTelegram({ config, env: {}, media, timings: FAST, ...deps }),
    address: { first: conversation(chats.first.id), second: conversation(chats.second.id) },
    secret: token,
    keepsFiles: true,
    async writes(text, where = 'first') {
      const message = (where === 'first' ? ann : bob).sends(chats[where], text);
      written.set(String(message.message_id), message);
      return String(message.message_id);
    },
    isTaken: (id) => tg.isConfirmed(messageOf(id)),
    untilTaken: (id) => tg.untilConfirmed(messageOf(id)),
    untilAsked: async () => {
      const before = tg.callsOf('getUpdates').length;
      await tg.until(() => tg.callsOf('getUpdates').length > before, 'another getUpdates');
    },
    shown: async (where = 'first') =>
      tg.sent(chats[where]).map((message) => ({
        id: String(message.message_id),
        text: message.text ?? message.caption ?? '',
        ...(message.document ? { files: [tg.fileBytes(message.document.file_id)] } : {}),
        ...(message.reply_markup ? { buttons: tg.buttons(chats[where]).filter((button) => button.message.message_id === message.message_id).map(({ text }) => text) } : {}),
        ...(message.reply_to_message ? { replyTo: String(message.reply_to_message.message_id) } : {}),
      })),
    store: async (content, mime) => ({ hash: (await media.put(content, mime)).hash }),
    presses: async (label) => {
      const press = ann.presses(tg.button(chats.first, label));
      await tg.until(() => press.answer(), 'the press to be answered');
    },
    async close() {
      tg.expectNoViolations();
      await tg.close();
    },
    down: () => tg.down(),
    up: () => tg.up(),
    hang: () => tg.hang(),
    refuseAccount: () => void (refusal = tg.fail({}, { status: 401, times: Infinity })),
    acceptAccount: () => refusal?.lift(),
    attempts: () => tg.callsOf('getMe').map(({ at }) => at),
    untilAttempts: async (count) => void (await tg.until(() => tg.callsOf('getMe').length >= count, `${count} attempts`)),
    repeats: () => tg.duplicateUpdates(),
    limits: (ms) => void tg.limit('sendMessage', { retryAfter: ms / 1_000 }),
    cuts: (when) => void tg.cut(when, 'sendMessage'),
    refusesMarkup: () => void tg.fail('sendMessage', { status: 400, description: "Bad Request: can't parse entities: unsupported start tag" }),
    blocks: () => tg.blockBot(ann),
    nowhere: conversation(123),
  };
}

channelConformance({ name: 'Telegram, on our stand-in', start }, [
  'isTaken', 'untilTaken', 'untilAsked', 'presses', 'repeats', 'down', 'up', 'hang', 'refuseAccount', 'attempts', 'limits', 'cuts', 'refusesMarkup', 'blocks', 'nowhere',
]);

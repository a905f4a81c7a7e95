/**
 * The stand-in against the Telegram server of @openclaw/crabline, which others wrote: one grammY program, run against
 * both. What both play must come out the same; where crabline is coarser the table says so.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startCrablineServer } from '@openclaw/crabline';
import { Api, GrammyError, InputFile } from 'grammy';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { type TelegramServer, TINY_PNG, startTelegram } from '../../servers/telegram/index.js';

const PERSON = 6_000_000_001;

interface Side {
  readonly api: Api;
  readonly write: (text: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

async function ours(): Promise<Side & { readonly tg: TelegramServer }> {
  const tg = await startTelegram();
  const ann = tg.person({ firstName: 'Ann', id: PERSON });
  const chat = tg.privateChat(ann);
  return { tg, api: new Api(tg.token, { apiRoot: tg.url }), write: async (text) => void ann.sends(chat, text), close: tg.close };
}

async function theirs(): Promise<Side> {
  const folder = await mkdtemp(join(tmpdir(), 'crabline-'));
  const server = await startCrablineServer({ channel: 'telegram', recorderPath: join(folder, 'calls.jsonl') });
  const manifest = server.manifest as unknown as { readonly botToken: string; readonly adminToken: string; readonly endpoints: { readonly apiRoot: string; readonly adminInboundUrl: string } };
  return {
    api: new Api(manifest.botToken, { apiRoot: manifest.endpoints.apiRoot }),
    async write(text) {
      const response = await fetch(manifest.endpoints.adminInboundUrl, { method: 'POST', headers: { 'content-type': 'application/json', 'x-crabline-admin-token': manifest.adminToken }, body: JSON.stringify({ chatId: PERSON, fromId: PERSON, fromName: 'Ann', text }) });
      expect(response.status).toBe(200);
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let both: readonly [Awaited<ReturnType<typeof ours>>, Side];
beforeEach(async () => {
  both = [await ours(), await theirs()];
});
afterEach(async () => {
  for (const side of both) await side.close();
});

/** The same program on both sides; its results side by side. */
async function run<T>(program: (side: Side) => Promise<T>): Promise<readonly [T, T]> {
  return [await program(both[0]), await program(both[1])];
}

/** The code of a refusal, or what the call gave. */
const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof GrammyError ? error.error_code : error),
  );

it('updates: the person, the text, rising numbers, and an offset that confirms', async () => {
  const [mine, other] = await run(async ({ api, write }) => {
    await write('one');
    await write('two');
    const first = await api.getUpdates({ limit: 1 });
    const all = await api.getUpdates();
    const rest = await api.getUpdates({ offset: (first[0]?.update_id ?? 0) + 1 });
    const last = await api.getUpdates({ offset: (rest.at(-1)?.update_id ?? 0) + 1 });
    const seen = ({ message }: (typeof all)[number]): unknown => ({ text: message?.text, from: message?.from.id, name: message?.from.first_name, chat: [message?.chat.id, message?.chat.type] });
    return { first: first.map(seen), all: all.map(seen), rest: rest.map(seen), last, step: (all[1]?.update_id ?? 0) - (all[0]?.update_id ?? 0) };
  });
  expect(mine).toEqual(other);
  expect(mine.all).toHaveLength(2);
});

it('a long poll gets what is written while it waits; a second poll ends it with 409 in the same words', async () => {
  const [mine, other] = await run(async ({ api, write }) => {
    const poll = api.getUpdates({ timeout: 20 });
    const again = api.getUpdates({ timeout: 20 });
    // Which of two requests arrives first is up to the sockets: one of them is ended, the other gets the message.
    const ended = await Promise.race([poll, again].map((one) => one.then(() => new Promise<never>(() => undefined), (error: unknown) => (error as GrammyError).description)));
    await write('hello');
    const got = (await Promise.allSettled([poll, again])).flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    return { ended, texts: got.map(({ message }) => message?.text) };
  });
  expect(mine).toEqual(other);
  expect(mine.texts).toEqual(['hello']);
});

it('what the bot sends comes back as a message of the bot in that chat', async () => {
  const [mine, other] = await run(async ({ api, write }) => {
    await write('hi');
    const me = await api.getMe();
    const text = await api.sendMessage(PERSON, 'answer');
    const edited = await api.editMessageText(PERSON, text.message_id, 'better');
    const photo = await api.sendPhoto(PERSON, new InputFile(TINY_PNG, 'a.png'), { caption: 'look' });
    const document = await api.sendDocument(PERSON, new InputFile(TINY_PNG, 'my report.pdf'));
    const yes = [await api.sendChatAction(PERSON, 'typing'), await api.setMessageReaction(PERSON, text.message_id, [{ type: 'emoji', emoji: '👍' }]), await api.setMyCommands([{ command: 'help', description: 'Help' }]), await api.deleteMessage(PERSON, text.message_id), await api.deleteWebhook()];
    return {
      me: Object.keys(me).filter((key) => ['id', 'is_bot', 'username', 'can_join_groups', 'can_read_all_group_messages', 'supports_inline_queries'].includes(key)).toSorted(),
      fromMe: [text, photo, document].map((message) => message.from?.id === me.id && message.chat.id === PERSON && message.chat.type === 'private'),
      text: text.text,
      edited: edited !== true && 'text' in edited ? [edited.text, edited.message_id === text.message_id] : undefined,
      rising: photo.message_id > text.message_id && document.message_id > photo.message_id,
      caption: photo.caption,
      sizes: photo.photo.every(({ file_id, width }) => file_id !== '' && width > 0),
      // Its name is left out: crabline takes the `attach://` of the upload for the name.
      document: document.document.file_id !== '',
      yes,
    };
  });
  expect(mine).toEqual(other);
  both[0].tg.expectNoViolations();
});

it.each<[string, (api: Api) => Promise<unknown>]>([
  ['the longest text', (api) => api.sendMessage(PERSON, 'x'.repeat(4096))],
  ['a text too long', (api) => api.sendMessage(PERSON, 'x'.repeat(4097))],
  ['a text too long in pairs', (api) => api.sendMessage(PERSON, '😀'.repeat(2049))],
  ['the longest text after parsing', (api) => api.sendMessage(PERSON, `<b>${'&lt;'.repeat(4096)}</b>`, { parse_mode: 'HTML' })],
  ['too long after parsing', (api) => api.sendMessage(PERSON, `<b>${'&lt;'.repeat(4097)}</b>`, { parse_mode: 'HTML' })],
  ['the longest escaped text', (api) => api.sendMessage(PERSON, '\\.'.repeat(4096), { parse_mode: 'MarkdownV2' })],
  ['no text', (api) => api.sendMessage(PERSON, '')],
  ['nothing but markup', (api) => api.sendMessage(PERSON, '<b></b>', { parse_mode: 'HTML' })],
  ['the longest caption', (api) => api.sendDocument(PERSON, new InputFile(TINY_PNG, 'a.png'), { caption: 'x'.repeat(1024) })],
  ['a caption too long', (api) => api.sendDocument(PERSON, new InputFile(TINY_PNG, 'a.png'), { caption: 'x'.repeat(1025) })],
  ['a topic where there are none', (api) => api.sendMessage(-1_001_234_567_890, 'x', { message_thread_id: 0 })],
  ['an unknown method', (api) => (api.raw as unknown as Record<string, (parameters: object) => Promise<unknown>>).sendNothing!({})],
])('both answer alike: %s', async (_, call) => {
  for (const side of both) await side.write('hi');
  const [mine, other] = await run(({ api }) => codeOf(call(api)));
  expect(mine).toBe(other);
});

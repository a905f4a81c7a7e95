/** The stand-in of Telegram, driven by the real grammY: it does what Telegram does and refuses what Telegram refuses. */
import { Api, Bot, GrammyError, HttpError, InputFile } from 'grammy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type ChatHandle, type Person, type TelegramServer, TINY_PNG, startTelegram } from '../../servers/telegram/index.js';

let tg: TelegramServer;
let api: Api;
let ann: Person;
let chat: ChatHandle;

const clientOf = (server: TelegramServer, token = server.token): Api => new Api(token, { apiRoot: server.url });

/** What Telegram said no with. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof GrammyError) return `${error.error_code} ${error.description}`;
  throw new Error(`no refusal but ${String(error)}`);
}

beforeEach(async () => {
  tg = await startTelegram();
  api = clientOf(tg);
  ann = tg.person({ firstName: 'Ann', username: 'ann_b' });
  chat = tg.privateChat(ann);
});
afterEach(() => tg.close());

describe('updates', () => {
  it('an update stays until a poll with a higher offset confirms it', async () => {
    const message = ann.sends(chat, 'hello');
    const [first] = await api.getUpdates();
    expect(first?.message).toMatchObject({ text: 'hello', from: { first_name: 'Ann' }, chat: { id: ann.id, type: 'private' } });
    expect(await api.getUpdates()).toEqual([first]);
    expect(tg.isConfirmed(message)).toBe(false);
    expect(await api.getUpdates({ offset: (first?.update_id ?? 0) + 1 })).toEqual([]);
    expect(tg.isConfirmed(message)).toBe(true);
    expect(await api.getUpdates()).toEqual([]);
  });

  it('a long poll waits for the next update, and the limit holds back the rest', async () => {
    const poll = api.getUpdates({ timeout: 30, limit: 1 });
    await tg.untilPolling();
    tg.batch(() => [ann.sends(chat, 'one'), ann.sends(chat, 'two')]);
    const got = await poll;
    expect(got.map(({ message }) => message?.text)).toEqual(['one']);
    expect(tg.pending()).toHaveLength(2);
    expect((await api.getUpdates({ offset: -1 })).map(({ message }) => message?.text)).toEqual(['two']);
    expect(tg.pending()).toHaveLength(1);
  });

  it('a second poller ends the first with 409', async () => {
    const first = refusal(api.getUpdates({ timeout: 30 }));
    await tg.untilPolling();
    const gone = new AbortController();
    const second = api.getUpdates({ timeout: 30 }, gone.signal as never).catch(() => undefined);
    expect(await first).toBe('409 Conflict: terminated by other getUpdates request; make sure that only one bot instance is running');
    gone.abort();
    await second;
  });

  it('a webhook that was left behind refuses polls until it is deleted', async () => {
    tg.setWebhook('https://example.org/hook');
    expect(await refusal(api.getUpdates())).toMatch(/^409 Conflict: can't use getUpdates method while webhook is active/);
    await api.deleteWebhook();
    expect(await api.getUpdates()).toEqual([]);
  });

  it('reactions come only when they are asked for, and the choice is kept', async () => {
    const message = await api.sendMessage(chat.id, 'react to me');
    ann.reacts(message, '👍');
    expect(tg.pending()).toEqual([]);
    await api.getUpdates({ allowed_updates: ['message', 'message_reaction'] });
    await api.getUpdates();
    ann.reacts(message, '🔥');
    const [update] = await api.getUpdates();
    expect(update?.message_reaction).toMatchObject({ message_id: message.message_id, old_reaction: [{ emoji: '👍' }], new_reaction: [{ emoji: '🔥' }] });
  });

  it('duplicates come with their old number, reordered batches backwards, and nothing is lost', async () => {
    tg.reorderUpdates();
    tg.duplicateUpdates();
    tg.batch(() => ['a', 'b', 'c'].map((text) => ann.sends(chat, text)));
    const batch = await api.getUpdates();
    expect(batch.map(({ message }) => message?.text)).toEqual(['c', 'b', 'a']);
    const highest = Math.max(...batch.map(({ update_id }) => update_id));
    const again = await api.getUpdates({ offset: highest + 1 });
    expect(again).toEqual([batch[2]]);
    expect(await api.getUpdates({ offset: highest + 1 })).toEqual([]);
  });

  it('in privacy mode a group shows commands, mentions and replies only', async () => {
    await tg.close();
    tg = await startTelegram({ privacyMode: true, username: 'helper_bot' });
    api = clientOf(tg);
    const bob = tg.person({ firstName: 'Bob' });
    const group = tg.group({ members: [bob] });
    const mine = await api.sendMessage(group.id, 'I am here');
    for (const content of ['chatter', '/help', 'hey @helper_bot', { text: 'yes', replyTo: mine }]) bob.sends(group, content);
    expect((await api.getUpdates()).map(({ message }) => message?.text)).toEqual(['/help', 'hey @helper_bot', 'yes']);
  });
});

describe('a bot and a person', () => {
  it('talk through the whole of grammY: start, answer, button, answer to the button', async () => {
    const bot = new Bot(tg.token, { client: { apiRoot: tg.url } });
    bot.on('message:text', (context) => context.reply(`you said ${context.message.text}`, { reply_parameters: { message_id: context.message.message_id }, reply_markup: { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes:1' }]] } }));
    bot.on('callback_query:data', async (context) => {
      await context.answerCallbackQuery({ text: 'noted' });
      await context.editMessageText('done');
    });
    const running = bot.start();
    const asked = ann.sends(chat, 'hi');
    const reply = await tg.nextSent(chat);
    expect(reply).toMatchObject({ text: 'you said hi', reply_to_message: { message_id: asked.message_id } });
    const press = ann.presses(tg.button(chat, 'Yes'));
    await tg.until(() => tg.texts(chat)[0] === 'done');
    expect(press.answer()).toEqual({ text: 'noted' });
    expect(() => ann.presses({ text: 'Yes', data: 'yes:1', message: reply })).toThrow('no longer on the screen');
    await bot.stop();
    await running;
    expect(tg.isConfirmed(asked)).toBe(true);
    tg.expectNoViolations();
  });

  it('what the person sees follows edits and deletions', async () => {
    const one = await api.sendMessage(chat.id, 'one');
    const two = await api.sendMessage(chat.id, 'two');
    await api.editMessageText(chat.id, one.message_id, '<b>uno</b>', { parse_mode: 'HTML' });
    await api.deleteMessage(chat.id, two.message_id);
    expect(tg.texts(chat)).toEqual(['uno']);
    expect(tg.sent(chat)[0]?.entities).toEqual([{ type: 'bold', offset: 0, length: 3 }]);
  });

  it('people send all that people send, with files that can be fetched', async () => {
    const voice = new Uint8Array([79, 103, 103, 83, 0, 255, 13, 10, 45, 45]);
    ann.sends(chat, { voice: { bytes: voice, duration: 3 } });
    ann.sends(chat, { photo: { bytes: TINY_PNG }, caption: 'see https://example.org' });
    ann.sends(chat, { document: { name: 'report 1.pdf', bytes: voice } });
    ann.sends(chat, { sticker: { emoji: '😀' } });
    ann.sends(chat, { location: { latitude: 48.1, longitude: 11.5 } });
    ann.sends(chat, { contact: { phone: '+49123', firstName: 'Bob' } });
    const album = ann.sends(chat, { mediaGroup: [{ photo: {}, caption: 'a' }, { video: {} }] });
    const messages = (await api.getUpdates()).map(({ message }) => message);
    expect(messages.map((message) => Object.keys(message ?? {}).find((key) => ['voice', 'photo', 'document', 'sticker', 'location', 'contact', 'video'].includes(key)))).toEqual(['voice', 'photo', 'document', 'sticker', 'location', 'contact', 'photo', 'video']);
    expect(messages[1]?.caption_entities).toEqual([{ type: 'url', offset: 4, length: 19 }]);
    expect(messages[2]?.document).toMatchObject({ file_name: 'report 1.pdf', mime_type: 'application/pdf' });
    expect(new Set(album.map(({ media_group_id }) => media_group_id)).size).toBe(1);

    const { file_path } = await api.getFile(messages[0]?.voice?.file_id ?? '');
    const link = `${tg.url}/file/bot${tg.token}/${file_path}`;
    expect(new Uint8Array(await (await fetch(link)).arrayBuffer())).toEqual(voice);
    tg.expireFiles();
    expect((await fetch(link)).status).toBe(404);
  });

  it('edits by a person are updates of their own; a message he deleted cannot be replied to', async () => {
    const message = ann.sends(chat, 'frist');
    ann.edits(message, 'first');
    const updates = await api.getUpdates();
    expect(updates[1]?.edited_message).toMatchObject({ message_id: message.message_id, text: 'first' });
    ann.deletes(message);
    const reply = { message_id: message.message_id };
    expect(await refusal(api.sendMessage(chat.id, 'x', { reply_parameters: reply }))).toBe('400 Bad Request: message to be replied not found');
    const sent = await api.sendMessage(chat.id, 'x', { reply_parameters: { ...reply, allow_sending_without_reply: true } });
    expect(sent.reply_to_message).toBeUndefined();
  });

  it('uploads arrive byte for byte under their names', async () => {
    const bytes = new Uint8Array(Buffer.from('\r\n--\r\n\u0000\u00ff binary \r\n\r\n', 'latin1'));
    const { document } = await api.sendDocument(chat.id, new InputFile(bytes, 'Bericht für Ann; neu.pdf'), { caption: '42', reply_markup: { inline_keyboard: [[{ text: 'ok', callback_data: 'ok' }]] } });
    expect(document).toMatchObject({ file_name: 'Bericht für Ann; neu.pdf', mime_type: 'application/pdf', file_size: bytes.length });
    expect(tg.fileBytes(document.file_id)).toEqual(bytes);
    expect(tg.texts(chat)).toEqual(['42']);
    const group = await api.sendMediaGroup(chat.id, [{ type: 'photo', media: new InputFile(TINY_PNG), caption: '<i>one</i>', parse_mode: 'HTML' }, { type: 'photo', media: new InputFile(TINY_PNG) }]);
    expect(group.map(({ caption }) => caption)).toEqual(['one', undefined]);
    await api.sendVoice(chat.id, new InputFile(bytes), { duration: 2 });
    await api.sendDocument(chat.id, document.file_id);
    expect(await refusal(api.sendPhoto(chat.id, new InputFile(bytes)))).toBe('400 Bad Request: IMAGE_PROCESS_FAILED');
    expect(await refusal(api.sendPhoto(chat.id, document.file_id))).toBe('400 Bad Request: type of file mismatch');
    tg.expectNoViolations();
  });

  it('a draft is shown in a private chat and gone with the message; its stop button is an update', async () => {
    await api.sendMessageDraft(chat.id, 7, 'thin');
    await api.sendMessageDraft(chat.id, 7, 'thinking', { can_stop: true });
    expect(tg.drafts(chat)).toEqual([{ draftId: 7, text: 'thinking', canStop: true }]);
    ann.stops(chat, 7);
    expect((await api.getUpdates())[0]?.stopped_message_generation).toMatchObject({ draft_id: 7 });
    await api.sendMessageDraft(chat.id, 8, 'more');
    await api.sendMessage(chat.id, 'all');
    expect(tg.drafts(chat)).toEqual([]);
    expect(tg.texts(chat)).toEqual(['all']);
    const group = tg.group({ members: [ann] });
    expect(await refusal(api.sendMessageDraft(group.id, 7, 'x'))).toBe('400 Bad Request: TEXTDRAFT_PEER_INVALID');
  });

  it('topics, typing, reactions, commands and members are what was done to them', async () => {
    const forum = tg.group({ title: 'Work', members: [ann], forum: true });
    const topic = forum.topic('Builds');
    await api.sendMessage(forum.id, 'built', { message_thread_id: topic });
    expect(await tg.nextSent(forum)).toMatchObject({ message_thread_id: topic, is_topic_message: true });
    expect(await refusal(api.sendMessage(forum.id, 'x', { message_thread_id: topic + 999 }))).toBe('400 Bad Request: message thread not found');
    expect(await refusal(api.sendMessage(forum.id, 'x', { message_thread_id: 1 }))).toBe('400 Bad Request: message thread not found');
    await api.sendChatAction(forum.id, 'typing', { message_thread_id: 1 });
    expect(tg.actions(forum).map(({ action }) => action)).toEqual(['typing']);
    const question = ann.sends(forum, { text: 'ok?', topic });
    await api.setMessageReaction(forum.id, question.message_id, [{ type: 'emoji', emoji: '👀' }]);
    expect(tg.reactionsOn(question)).toEqual([{ type: 'emoji', emoji: '👀' }]);
    await api.setMyCommands([{ command: 'help', description: 'What I can do' }]);
    expect(await api.getMyCommands()).toEqual([{ command: 'help', description: 'What I can do' }]);
    expect((await api.getChatMember(forum.id, ann.id)).status).toBe('creator');
    expect(await api.getChat(forum.id)).toMatchObject({ type: 'supergroup', title: 'Work', is_forum: true });
  });
});

describe('refusals', () => {
  it.each<[string, (at: { readonly chat: number; readonly own: number; readonly his: number }) => Promise<unknown>]>([
    ['400 Bad Request: message text is empty', ({ chat: id }) => api.sendMessage(id, '')],
    ['400 Bad Request: text must be non-empty', ({ chat: id }) => api.sendMessage(id, ' \n')],
    ['400 Bad Request: text must be non-empty', ({ chat: id }) => api.sendMessage(id, '<b> </b>', { parse_mode: 'HTML' })],
    ['400 Bad Request: message is too long', ({ chat: id }) => api.sendMessage(id, 'x'.repeat(4097))],
    ['400 Bad Request: message is too long', ({ chat: id }) => api.sendMessage(id, '😀'.repeat(2049))],
    ['400 Bad Request: MESSAGE_TOO_LONG', ({ chat: id, own }) => api.editMessageText(id, own, 'x'.repeat(4097))],
    ['400 Bad Request: message caption is too long', ({ chat: id }) => api.sendDocument(id, new InputFile(TINY_PNG, 'a.png'), { caption: 'x'.repeat(1025) })],
    ["400 Bad Request: can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'", ({ chat: id }) => api.sendMessage(id, 'Hi.', { parse_mode: 'MarkdownV2' })],
    ["400 Bad Request: can't parse entities: Can't find end of Bold entity at byte offset 4", ({ chat: id }) => api.sendMessage(id, 'für*x', { parse_mode: 'MarkdownV2' })],
    ['400 Bad Request: chat not found', () => api.sendMessage(4_711, 'x')],
    ['400 Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message', ({ chat: id, own }) => api.editMessageText(id, own, 'mine')],
    ['400 Bad Request: message to edit not found', ({ chat: id }) => api.editMessageText(id, 99_999, 'x')],
    ["400 Bad Request: message can't be edited", ({ chat: id, his }) => api.editMessageText(id, his, 'x')],
    ['400 Bad Request: message to delete not found', ({ chat: id }) => api.deleteMessage(id, 99_999)],
    ['400 Bad Request: message to react not found', ({ chat: id }) => api.setMessageReaction(id, 99_999, [])],
    ['400 Bad Request: message to be replied not found', ({ chat: id }) => api.sendMessage(id, 'x', { reply_parameters: { message_id: 99_999 } })],
    ['400 Bad Request: message thread not found', ({ chat: id }) => api.sendMessage(id, 'x', { message_thread_id: 5 })],
    ['400 Bad Request: BUTTON_DATA_INVALID', ({ chat: id }) => api.sendMessage(id, 'x', { reply_markup: { inline_keyboard: [[{ text: 'b', callback_data: 'ü'.repeat(33) }]] } })],
    ['400 Bad Request: query is too old and response timeout expired or query ID is invalid', () => api.answerCallbackQuery('123')],
    ['400 Bad Request: invalid file_id', () => api.getFile('nonsense')],
    ['400 Bad Request: failed to get HTTP URL content', ({ chat: id }) => api.sendPhoto(id, 'https://example.org/a.png')],
    ['400 Bad Request: entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 2', ({ chat: id }) => api.sendMessage(id, 'ab', { entities: [{ type: 'bold', offset: 0, length: 3 }] })],
  ])('%s', async (words, call) => {
    const his = ann.sends(chat, 'his').message_id;
    const own = (await api.sendMessage(chat.id, 'mine')).message_id;
    const before = tg.seen(chat);
    expect(await refusal(call({ chat: chat.id, own, his }))).toBe(words);
    expect(tg.seen(chat)).toEqual(before);
    tg.expectNoViolations();
  });

  it('exactly 4096 units after parsing are allowed, whatever the markup weighs', async () => {
    await api.sendMessage(chat.id, `<b>${'&amp;'.repeat(4096)}</b>`, { parse_mode: 'HTML' });
    await api.sendMessage(chat.id, '\\.'.repeat(4096), { parse_mode: 'MarkdownV2' });
    expect(tg.texts(chat).map((text) => text.length)).toEqual([4096, 4096]);
  });

  it('a person who blocked the bot, a group that threw it out, a group that moved', async () => {
    tg.blockBot(ann);
    expect(await refusal(api.sendMessage(chat.id, 'x'))).toBe('403 Forbidden: bot was blocked by the user');
    tg.unblockBot(ann);
    await api.sendMessage(chat.id, 'again');
    const group = tg.group({ title: 'Team', members: [ann] });
    const moved = group.upgrade();
    await expect(api.sendMessage(group.id, 'x')).rejects.toMatchObject({ error_code: 400, description: 'Bad Request: group chat was upgraded to a supergroup chat', parameters: { migrate_to_chat_id: moved.id } });
    await api.sendMessage(moved.id, 'here');
    moved.kickBot();
    expect(await refusal(api.sendMessage(moved.id, 'x'))).toBe('403 Forbidden: bot was kicked from the supergroup chat');
    tg.deactivate(ann);
    expect(await refusal(api.sendMessage(chat.id, 'x'))).toBe('403 Forbidden: user is deactivated');
  });

  it('old messages, old presses, a closed topic, a file too large', async () => {
    const message = await api.sendMessage(chat.id, 'old', { reply_markup: { inline_keyboard: [[{ text: 'b', callback_data: 'd' }]] } });
    const press = ann.presses(tg.button(chat, 'b'));
    tg.expireQueries();
    expect(await refusal(api.answerCallbackQuery(press.queryId))).toContain('query is too old');
    tg.age(message);
    expect(await refusal(api.editMessageText(chat.id, message.message_id, 'new'))).toBe("400 Bad Request: message can't be edited");
    expect(await refusal(api.deleteMessage(chat.id, message.message_id))).toBe("400 Bad Request: message can't be deleted");
    const forum = tg.group({ members: [ann], forum: true });
    const topic = forum.topic('T');
    forum.closeTopic(topic);
    expect(await refusal(api.sendMessage(forum.id, 'x', { message_thread_id: topic }))).toBe('400 Bad Request: TOPIC_CLOSED');
    const big = ann.sends(chat, { document: { name: 'film.mkv', size: 21 * 1024 * 1024 } });
    expect(await refusal(api.getFile(big.document?.file_id ?? ''))).toBe('400 Bad Request: file is too big');
  });

  it('wrong token, unknown method, any case', async () => {
    expect(await refusal(clientOf(tg, '1:wrong').getMe())).toBe('401 Unauthorized');
    expect(await refusal((api.raw as unknown as Record<string, (o: object) => Promise<unknown>>).sendTelegram!({}))).toBe('404 Not Found');
    const response = await fetch(`${tg.url}/bot${tg.token}/SENDMESSAGE`, { method: 'POST', body: new URLSearchParams({ chat_id: String(chat.id), text: '123' }) });
    expect(((await response.json()) as { readonly result: unknown }).result).toMatchObject({ text: '123' });
    tg.changeToken('7000000001:another');
    expect(await refusal(api.getMe())).toBe('401 Unauthorized');
  });

  it('a parameter the API does not know, a wrong type, half a surrogate pair and forbidden HTML are violations', async () => {
    expect(await refusal(api.sendMessage(chat.id, 'x', { parse_modus: 'HTML' } as never))).toContain('parse_modus');
    expect(await refusal(api.sendMessage(chat.id, 'x', { reply_parameters: { message_id: '5' } } as never))).toContain('reply_parameters.message_id must be number');
    expect(await refusal(api.sendMessage(chat.id, 'half \ud83d'))).toBe('400 Bad Request: strings must be encoded in UTF-8');
    expect(tg.sent(chat)).toEqual([]);
    // Telegram repairs this one, its page forbids it.
    await api.sendMessage(chat.id, 'a & b', { parse_mode: 'HTML' });
    expect(tg.texts(chat)).toEqual(['a & b']);
    expect(tg.violations.map(({ method }) => method)).toEqual(['sendMessage', 'sendMessage', 'sendMessage', 'sendMessage']);
    expect(() => tg.expectNoViolations()).toThrow('parse_modus');
  });
});

describe('faults', () => {
  it('a limit says how long, and a call that does not wait is a violation', async () => {
    const limit = tg.limit('sendMessage', { retryAfter: 1 });
    await expect(api.sendMessage(chat.id, 'x')).rejects.toMatchObject({ error_code: 429, description: 'Too Many Requests: retry after 1', parameters: { retry_after: 1 } });
    expect((await limit.met).params).toMatchObject({ text: 'x' });
    // The rule of the stand-in is about time, so this one waits: past the moment it allows for hearing of the limit.
    await new Promise((done) => setTimeout(done, 300));
    await api.sendMessage(chat.id, 'too early');
    expect(tg.violations.map(({ what }) => what)).toEqual([expect.stringContaining('before the time it was told')]);
  });

  it('limits and failures strike one chat as often as asked, no other', async () => {
    const bob = tg.person({ firstName: 'Bob' });
    const other = tg.privateChat(bob);
    tg.fail({ chat }, { status: 502, times: 2 });
    expect(await refusal(api.sendMessage(chat.id, '1'))).toBe('502 Bad Gateway');
    await api.sendMessage(other.id, 'fine');
    expect(await refusal(api.sendChatAction(chat.id, 'typing'))).toBe('502 Bad Gateway');
    await api.sendMessage(chat.id, '3');
    expect(tg.texts(chat)).toEqual(['3']);
  });

  it('a connection cut before the effect leaves nothing, one cut after it a message nobody confirmed', async () => {
    tg.cut('before', 'sendMessage');
    await expect(api.sendMessage(chat.id, 'lost')).rejects.toBeInstanceOf(HttpError);
    expect(tg.texts(chat)).toEqual([]);
    tg.cut('after', 'sendMessage');
    await expect(api.sendMessage(chat.id, 'heard')).rejects.toBeInstanceOf(HttpError);
    expect(tg.texts(chat)).toEqual(['heard']);
    expect(tg.callsOf('sendMessage').map(({ outcome, effect }) => [outcome, effect])).toEqual([['cut', false], ['cut', true]]);
  });

  it('a server that hangs answers nothing until it is let go; who hangs up meanwhile did nothing', async () => {
    const hang = tg.hang('sendMessage', { times: 2 });
    const gone = new AbortController();
    const given = api.sendMessage(chat.id, 'given up', {}, gone.signal as never).catch(() => 'gave up');
    await hang.met;
    gone.abort();
    expect(await given).toBe('gave up');
    await tg.until(() => tg.callsOf('sendMessage')[0]?.outcome === 'gone');
    const patient = api.sendMessage(chat.id, 'patient');
    await tg.until(() => hang.hits === 2);
    hang.lift();
    expect((await patient).text).toBe('patient');
    expect(tg.texts(chat)).toEqual(['patient']);
  });

  it('down, up and restart: same port, nothing forgotten', async () => {
    const url = tg.url;
    ann.sends(chat, 'kept');
    await api.sendMessage(chat.id, 'kept too');
    const poll = api.getUpdates({ offset: tg.pending()[0]!.update_id + 1, timeout: 30 });
    await tg.untilPolling();
    await tg.down();
    await expect(poll).rejects.toBeInstanceOf(HttpError);
    ann.sends(chat, 'while down');
    await expect(api.getMe()).rejects.toBeInstanceOf(HttpError);
    await tg.up();
    expect(tg.url).toBe(url);
    await tg.restart();
    expect((await api.getUpdates()).map(({ message }) => message?.text)).toEqual(['while down']);
    expect(tg.texts(chat)).toEqual(['kept too']);
  });

  it('a poll whose client died confirms nothing', async () => {
    const gone = new AbortController();
    const poll = api.getUpdates({ timeout: 30 }, gone.signal as never).catch(() => 'dead');
    await tg.untilPolling();
    gone.abort();
    await poll;
    await tg.until(() => tg.callsOf('getUpdates').at(-1)?.outcome === 'gone');
    expect(tg.isPolling()).toBe(false);
    const message = ann.sends(chat, 'still there');
    expect(tg.isConfirmed(message)).toBe(false);
    expect((await api.getUpdates())[0]?.message?.text).toBe('still there');
  });

  it('who waits in vain is told for what', async () => {
    await expect(tg.nextSent(chat, undefined, 10)).rejects.toThrow(`waited 10 ms in vain for a message in chat ${chat.id}; it has: []`);
  });
});

/** What people send, as the house's message: through the real polling, against the stand-in. */
import { expect, it } from 'vitest';
import { messageKey } from '../../../src/core/message.js';
import { TINY_PNG } from '../../servers/telegram/index.js';
import { quiet, telegram } from './standin.js';

it('reads a private chat: who, when, what', async () => {
  const { tg, inbox } = await telegram();
  const ann = tg.person({ firstName: 'Ann', lastName: 'Lee', username: 'annlee' });
  const sent = ann.sends(tg.privateChat(ann), 'hello');
  const [message] = await inbox.until(1);
  expect(message).toEqual({
    channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: String(ann.id) }, sender: { id: String(ann.id), name: 'Ann Lee', username: 'annlee' },
    messageId: String(sent.message_id), event: { type: 'message' }, time: sent.date * 1_000, text: 'hello', mentions: [], attachments: [],
  });
});

it('reads groups and topics of forums as group and thread; a reply in an ordinary group is no thread', async () => {
  const { tg, inbox } = await telegram();
  const ann = tg.person();
  const group = tg.group({ title: 'Cooks', members: [ann], kind: 'supergroup' });
  const forum = tg.group({ title: 'Plans', members: [ann], forum: true });
  const topic = forum.topic('Trips');
  const first = ann.sends(group, 'one');
  ann.sends(group, { text: 'two', replyTo: first, raw: { message_thread_id: first.message_id } });
  ann.sends(forum, { text: 'three', topic });
  ann.sends(forum, 'four');
  const found = (await inbox.until(4)).toSorted((a, b) => a.time - b.time || Number(a.messageId) - Number(b.messageId));
  expect(Object.fromEntries(found.map(({ text, conversation }) => [text, conversation]))).toEqual({
    one: { kind: 'group', id: String(group.id), title: 'Cooks' },
    two: { kind: 'group', id: String(group.id), title: 'Cooks' },
    three: { kind: 'thread', id: String(topic), parentId: String(forum.id), title: 'Plans' },
    four: { kind: 'group', id: String(forum.id), title: 'Plans' },
  });
});

it('tells when it is named itself: by name, by a command with its name, by a reply to it; others are mentioned only', async () => {
  const { tg, inbox, adapter } = await telegram({ server: { username: 'claw_bot' } });
  const ann = tg.person();
  const group = tg.group({ members: [ann] });
  const to = { channel: 'telegram', account: 'default', conversation: { kind: 'group', id: String(group.id) } } as const;
  await adapter.sender.send(to, adapter.sender.render('the answer', [])[0]!, 'key');
  ann.sends(group, '@Claw_Bot hello');
  ann.sends(group, '/status@claw_bot now');
  ann.sends(group, '/status@other_bot');
  ann.sends(group, 'hello @bobby_ray');
  ann.sends(group, { text: 'why?', replyTo: tg.sent(group)[0]!, quote: 'answer' });
  ann.sends(group, { text: 'hey Bob', entities: [{ type: 'text_mention', offset: 4, length: 3, user: { id: 77, is_bot: false, first_name: 'Bob' } }] });
  const found = await inbox.until(6);
  expect(found.map(({ text, mentions, replyTo }) => [text, mentions.map(({ id, self }) => (self ? 'self' : id)), replyTo && [replyTo.self, replyTo.quote]])).toEqual([
    ['@Claw_Bot hello', ['self'], undefined],
    ['/status now', ['self'], undefined],
    ['/status@other_bot', [], undefined],
    ['hello @bobby_ray', ['@bobby_ray'], undefined],
    ['why?', [], [true, 'answer']],
    ['hey Bob', ['77'], undefined],
  ]);
});

it('keeps what formatting says beyond the letters: addresses of links, code blocks', async () => {
  const { tg, inbox } = await telegram();
  const ann = tg.person();
  ann.sends(tg.privateChat(ann), {
    text: 'see here: x = 1 done',
    entities: [{ type: 'text_link', offset: 4, length: 4, url: 'https://example.com/a' }, { type: 'pre', offset: 10, length: 5, language: 'py' }, { type: 'bold', offset: 0, length: 3 }],
  });
  const [message] = await inbox.until(1);
  expect(message?.text).toBe('see here (https://example.com/a): \n```py\nx = 1\n```\n done');
});

it('fetches every kind of file, the largest photo, and describes what has no content', async () => {
  const { tg, inbox, media } = await telegram();
  const ann = tg.person();
  const chat = tg.privateChat(ann);
  const text = new TextEncoder().encode('a,b\n1,2\n');
  ann.sends(chat, { photo: {}, caption: 'look' });
  ann.sends(chat, { document: { bytes: text, name: 'table.csv', mime: 'text/csv' } });
  ann.sends(chat, { voice: {} });
  ann.sends(chat, { sticker: { emoji: '🎉' } });
  ann.sends(chat, { location: { latitude: 52.5, longitude: 13.4 } });
  ann.sends(chat, { venue: { latitude: 1, longitude: 2, title: 'Cafe', address: 'Main St 1' } });
  ann.sends(chat, { contact: { phone: '+491701234', firstName: 'Bob', lastName: 'Ray' } });
  ann.sends(chat, { videoNote: {} });
  ann.sends(chat, { animation: { name: 'cat.mp4', mime: 'video/mp4' } });
  const found = await inbox.until(9);
  expect(found.map(({ text: words, attachments }) => [words, ...attachments.map(({ kind, name, location, contact, media: ref }) => [kind, name, location ?? contact, ref !== undefined])])).toEqual([
    ['look', ['image', undefined, undefined, true]],
    ['', ['document', 'table.csv', undefined, true]],
    ['', ['voice', undefined, undefined, true]],
    ['', ['sticker', '🎉', undefined, true]],
    ['', ['location', undefined, { latitude: 52.5, longitude: 13.4 }, false]],
    ['', ['location', undefined, { latitude: 1, longitude: 2, title: 'Cafe, Main St 1' }, false]],
    ['', ['contact', undefined, { name: 'Bob Ray', phone: '+491701234' }, false]],
    ['', ['video', undefined, undefined, true]],
    ['', ['video', 'cat.mp4', undefined, true]],
  ]);
  expect(await media.get(found[0]!.attachments[0]!.media!)).toEqual(Buffer.from(TINY_PNG));
  expect(found[0]!.attachments[0]).toMatchObject({ mime: 'image/png', size: TINY_PNG.byteLength });
  expect(await media.get(found[1]!.attachments[0]!.media!)).toEqual(Buffer.from(text));
});

it('says why a file is missing and brings the message all the same: too large, refused, broken off', async () => {
  const { tg, inbox } = await telegram({ settings: { mediaMaxMb: 1 } });
  const ann = tg.person();
  const chat = tg.privateChat(ann);
  ann.sends(chat, { document: { name: 'claimed.bin', size: 3_000_000 }, caption: 'one' });
  // Says nothing of its size and is too large all the same.
  ann.sends(chat, { document: { name: 'lied.bin', bytes: new Uint8Array(2_000_000), size: 10 }, caption: 'two' });
  await inbox.until(2);
  tg.fail('getFile', { status: 400, description: 'Bad Request: file is too big' });
  ann.sends(chat, { document: { name: 'refused.bin' }, caption: 'three' });
  const found = await inbox.until(3);
  expect(found.map(({ text, attachments }) => [text, attachments[0]?.problem, attachments[0]?.media])).toEqual([
    ['one', 'it is larger than 1 MB, the most that is fetched', undefined],
    ['two', 'it is larger than 1 MB, the most that is fetched', undefined],
    ['three', 'it is larger than Telegram gives to bots', undefined],
  ]);
  tg.fail('getFile', { times: 3 });
  ann.sends(chat, { document: {}, caption: 'four' });
  await inbox.until(4);
  tg.fail('getFile', { times: 2 });
  ann.sends(chat, { document: {}, caption: 'five' });
  const [, , , four, five] = await inbox.until(5);
  expect([four?.attachments[0]?.problem, five?.attachments[0]?.media === undefined]).toEqual(['it could not be fetched from Telegram', false]);
});

it('makes one message of an album, in order, with its caption as text, and confirms its parts together', async () => {
  const { tg, inbox } = await telegram();
  const ann = tg.person();
  const parts = ann.sends(tg.privateChat(ann), { mediaGroup: [{ photo: {}, caption: 'the trip' }, { photo: {} }, { video: {}, caption: 'the end' }] });
  const [message] = await inbox.until(1);
  expect(message).toMatchObject({ messageId: String(parts[0]!.message_id), text: 'the trip' });
  expect(message?.attachments.map(({ kind, caption }) => [kind, caption])).toEqual([['image', undefined], ['image', undefined], ['video', 'the end']]);
  await tg.untilConfirmed(parts[2]!);
  expect(inbox.stored).toHaveLength(1);
});

it('keeps an album together whose parts come in several answers, mixed with others', async () => {
  const { tg, inbox } = await telegram();
  const ann = tg.person();
  const bob = tg.person();
  const group = tg.group({ members: [ann, bob] });
  const one = (text?: string) => ({ photo: {}, ...(text === undefined ? {} : { caption: text }), raw: { media_group_id: '77' } });
  ann.sends(group, one('album'));
  bob.sends(group, 'meanwhile');
  const asked = tg.callsOf('getUpdates').length;
  await tg.until(() => tg.callsOf('getUpdates').length > asked);
  ann.sends(group, one());
  const found = await inbox.until(2);
  expect(found.map(({ text, attachments }) => [text, attachments.length])).toEqual([['album', 2], ['meanwhile', 0]]);
});

it('brings edits with a growing version, reactions given and taken back, channel posts; passes over service messages and bots', async () => {
  const { tg, inbox } = await telegram();
  const ann = tg.person();
  const group = tg.group({ members: [ann], botIs: 'administrator' });
  const message = ann.sends(group, 'first');
  ann.edits(message, 'second');
  ann.edits(message, 'third');
  ann.reacts(message, '👍');
  ann.reacts(message, '🔥');
  group.join(tg.person());
  tg.inject({ message: { message_id: 900, date: 1, chat: group.chat, from: { id: 5, is_bot: true, first_name: 'Robot' }, text: 'beep' } as never });
  tg.inject({ channel_post: { message_id: 901, date: 1, chat: { id: -100_555, type: 'channel', title: 'News' }, sender_chat: { id: -100_555, type: 'channel', title: 'News' }, text: 'posted' } as never });
  tg.inject({ message: { message_id: 902, date: 1, chat: group.chat, from: { id: 1_087_968_824, is_bot: true, first_name: 'Group' }, sender_chat: group.chat, text: 'as the group' } as never });
  const found = await inbox.until(8);
  expect(found.filter(({ text }) => text !== 'posted').map(({ event, text }) => [event.type, text, event.type === 'reaction' ? [event.emoji, event.removed] : undefined])).toEqual([
    ['message', 'first', undefined],
    ['edit', 'second', undefined],
    ['edit', 'third', undefined],
    ['reaction', '', ['👍', false]],
    ['reaction', '', ['👍', true]],
    ['reaction', '', ['🔥', false]],
    ['message', 'as the group', undefined],
  ]);
  expect(found.find(({ text }) => text === 'posted')).toMatchObject({ conversation: { kind: 'channel', id: '-100555', title: 'News' }, sender: { id: '-100555', name: 'News' } });
  expect(new Set(found.map(messageKey)).size).toBe(8);
  expect(found.at(-1)?.sender).toMatchObject({ id: String(group.id) });
});

it('puts into words what is neither text nor file, and says what was forwarded from whom', async () => {
  const { tg, inbox } = await telegram();
  const ann = tg.person();
  const chat = tg.privateChat(ann);
  ann.sends(chat, { raw: { poll: { question: 'Lunch?', options: [{ text: 'Soup' }, { text: 'Salad' }] } as never } });
  ann.sends(chat, { raw: { dice: { emoji: '🎲', value: 4 } } });
  ann.sends(chat, { raw: { rich_message: { blocks: [{ type: 'heading', text: 'Plan', size: 1 }, { type: 'paragraph', text: ['see ', { type: 'url', text: 'this', url: 'https://example.com' }] }, { type: 'list', items: [{ label: '1.', blocks: [{ type: 'paragraph', text: { type: 'bold', text: 'go' } }] }] }] } as never } });
  ann.sends(chat, { text: '/stop', forwardedFrom: 'Bob' });
  const found = await inbox.until(4);
  expect(found.map(({ text }) => text)).toEqual(['[poll] Lunch?\n- Soup\n- Salad', '[🎲 rolled: 4]', 'Plan\nsee this (https://example.com)\n1. go', '[forwarded from Bob]\n/stop']);
});

it('passes over an update that cannot be read, says so, and is not stopped by it', async () => {
  const { tg, inbox, adapter } = await telegram();
  const ann = tg.person();
  const poison = tg.inject({ message: { message_id: 1, date: 1, from: { id: 1, is_bot: false, first_name: 'X' }, text: 'no chat' } as never });
  ann.sends(tg.privateChat(ann), 'after it');
  await inbox.until(1);
  await tg.untilConfirmed(poison!);
  expect([inbox.texts(), adapter.status().state, adapter.status().lastError?.code]).toEqual([['after it'], 'connected', 'INBOUND_UNREADABLE']);
});

it('takes updates that come in the wrong order in the right one', async () => {
  const { tg, inbox } = await telegram();
  const ann = tg.person();
  const chat = tg.privateChat(ann);
  tg.reorderUpdates();
  tg.batch(() => ['1', '2', '3', '4'].map((text) => ann.sends(chat, text)));
  await inbox.until(4);
  expect(inbox.texts()).toEqual(['1', '2', '3', '4']);
});

it('logs the id of a group once, for the person who writes the config, and the new one when it changes', async () => {
  const lines: unknown[] = [];
  const keep = (fields: object, message: string): void => void lines.push([fields, message]);
  const { tg, inbox } = await telegram({ deps: { log: { ...quiet, info: keep, warn: keep } } });
  const ann = tg.person();
  const group = tg.group({ title: 'Secret plans', members: [ann] });
  ann.sends(group, 'one');
  ann.sends(group, 'two');
  await inbox.until(2);
  const large = group.upgrade();
  ann.sends(large, 'three');
  await inbox.until(3);
  const at = { channel: 'telegram', account: 'default' };
  expect(lines).toEqual([
    [{ ...at, conversation: String(group.id), kind: 'group' }, expect.any(String)],
    [{ ...at, conversation: String(group.id), next: String(large.id) }, expect.any(String)],
    [{ ...at, conversation: String(large.id), kind: 'supergroup' }, expect.any(String)],
  ]);
});

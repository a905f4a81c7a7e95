/** What leaves: which kind of message, where to, in which parts; and what is done when Telegram refuses a way. */
import { expect, it } from 'vitest';
import type { MediaStore } from '../../../src/core/ports.js';
import { type Address, type OutboundPart, REPEAT_MARK, SEND_FAILURES } from '../../../src/core/channel.js';
import type { Attachment } from '../../../src/core/message.js';
import { TINY_PNG } from '../../servers/telegram/index.js';
import { type Telegram, telegram } from './standin.js';

const PDF = new TextEncoder().encode('%PDF-1.4\n%%EOF\n');

const direct = (id: number): Address => ({ channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: String(id) } });
const group = (id: number, thread?: number): Address => ({ channel: 'telegram', account: 'default', conversation: thread === undefined ? { kind: 'group', id: String(id) } : { kind: 'thread', id: String(thread), parentId: String(id) } });

const stored = async (media: MediaStore, kind: Attachment['kind'], content: Uint8Array, over: Partial<Attachment> = {}): Promise<Attachment> => {
  const { hash, mime, size } = await media.put(content);
  return { kind, mime, size, media: { hash }, ...over };
};

async function sendAll({ adapter }: Telegram, to: Address, parts: readonly OutboundPart[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const part of parts) ids.push(...(await adapter.sender.send(to, part, 'key')).platformIds);
  return ids;
}

const failure = (sent: Promise<unknown>): Promise<{ readonly type: string; readonly message: string }> => sent.then(() => Promise.reject(new Error('it was sent')), (error: { readonly type: string; readonly message: string }) => error);

it('sends into topics; the General topic has no number there', async () => {
  const scene = await telegram({ start: false });
  const { tg } = scene;
  const forum = tg.group({ members: [tg.person()], forum: true });
  const topic = forum.topic('Trips');
  await sendAll(scene, group(forum.id, topic), scene.adapter.sender.render('in the topic', []));
  await sendAll(scene, group(forum.id, 1), scene.adapter.sender.render('in General', []));
  await sendAll(scene, { ...group(forum.id), thread: String(topic) }, scene.adapter.sender.render('by thread', []));
  expect(tg.sent(forum).map(({ text, message_thread_id: id }) => [text, id])).toEqual([['in the topic', topic], ['in General', undefined], ['by thread', topic]]);
  await scene.adapter.sender.typing?.(group(forum.id, topic));
  expect(tg.actions(forum).map(({ action, threadId }) => [action, threadId])).toEqual([['typing', topic]]);
  forum.deleteTopic(topic);
  expect((await failure(sendAll(scene, group(forum.id, topic), scene.adapter.sender.render('x', [])))).type).toBe(SEND_FAILURES.ChatGone);
});

it('follows a group that became a supergroup, and remembers', async () => {
  const scene = await telegram({ start: false });
  const { tg, adapter } = scene;
  const small = tg.group({ members: [tg.person()] });
  const large = small.upgrade();
  await sendAll(scene, group(small.id), adapter.sender.render('one', []));
  await sendAll(scene, group(small.id), adapter.sender.render('two', []));
  expect(tg.texts(large)).toEqual(['one', 'two']);
  expect(tg.callsOf('sendMessage').filter(({ params }) => Number(params.chat_id) === small.id)).toHaveLength(1);
});

it('chooses the kind of message by what the file is, and shows its bytes unchanged', async () => {
  const scene = await telegram({ start: false });
  const { tg, adapter, media } = scene;
  const chat = tg.privateChat(tg.person());
  const files: readonly Attachment[] = [
    await stored(media, 'image', TINY_PNG),
    await stored(media, 'image', TINY_PNG, { mime: 'image/tiff', name: 'scan.tiff' }),
    await stored(media, 'voice', PDF, { mime: 'audio/ogg' }),
    await stored(media, 'audio', PDF, { mime: 'audio/mpeg', name: 'song.mp3' }),
    await stored(media, 'audio', PDF, { mime: 'audio/flac', name: 'song.flac' }),
    await stored(media, 'video', PDF, { mime: 'video/mp4', name: 'clip.mp4' }),
    await stored(media, 'document', PDF, { name: 'dir/../My report.pdf' }),
    { kind: 'location', location: { latitude: 1, longitude: 2 } },
    { kind: 'location', location: { latitude: 1, longitude: 2, title: 'Cafe' } },
    { kind: 'contact', contact: { name: 'Bob', phone: '+1' } },
  ];
  for (const file of files) await sendAll(scene, direct(chat.id), adapter.sender.render('', [file]));
  expect(tg.calls.map(({ method }) => method)).toEqual(['sendPhoto', 'sendDocument', 'sendVoice', 'sendAudio', 'sendDocument', 'sendVideo', 'sendDocument', 'sendLocation', 'sendVenue', 'sendContact'].map((name) => expect.stringMatching(new RegExp(`^${name}$`, 'i'))));
  const report = tg.sent(chat)[6]?.document;
  expect([report?.file_name, Buffer.from(tg.fileBytes(report!.file_id))]).toEqual(['My report.pdf', Buffer.from(PDF)]);
});

it('puts short text under the file and long text before it; several pictures are one album', async () => {
  const scene = await telegram({ start: false });
  const { tg, adapter, media } = scene;
  const chat = tg.privateChat(tg.person());
  const picture = await stored(media, 'image', TINY_PNG);
  const document = await stored(media, 'document', PDF, { name: 'a.pdf' });
  const shapes = (parts: readonly OutboundPart[]): unknown => parts.map(({ plain, attachments }) => [plain.length, attachments.map(({ kind }) => kind).join(' ')]);

  const short = adapter.sender.render('**short** & sweet', [picture, picture, document, document, picture]);
  expect(shapes(short)).toEqual([[13, 'image image'], [0, 'document document'], [0, 'image']]);
  const long = adapter.sender.render('x'.repeat(1_020), [picture]);
  expect(shapes(long)).toEqual([[1_020, ''], [0, 'image']]);
  expect(shapes(adapter.sender.render('x'.repeat(1_024 - REPEAT_MARK.length), [picture]))).toEqual([[1_024 - REPEAT_MARK.length, 'image']]);
  expect(shapes(adapter.sender.render('', Array.from({ length: 12 }, () => picture)))).toEqual([[0, Array.from({ length: 10 }, () => 'image').join(' ')], [0, 'image image']]);

  const ids = await sendAll(scene, direct(chat.id), short);
  expect(ids).toHaveLength(5);
  const [first, second, third, fourth, last] = tg.sent(chat);
  expect([first?.caption, first?.caption_entities?.[0]?.type, first?.media_group_id === second?.media_group_id, third?.media_group_id === fourth?.media_group_id, last?.media_group_id]).toEqual(['short & sweet', 'bold', true, true, undefined]);
  await sendAll(scene, direct(chat.id), long);
});

it('keeps room for the mark of a repeat in every part', async () => {
  const scene = await telegram({ start: false, settings: { textChunkLimit: 9_999 } });
  const { tg, adapter } = scene;
  const chat = tg.privateChat(tg.person());
  const parts = adapter.sender.render(`${'<word> '.repeat(2_000)}`, []);
  await sendAll(scene, direct(chat.id), parts.map((part) => ({ ...part, text: `${REPEAT_MARK}${part.text}`, plain: `${REPEAT_MARK}${part.plain}` })));
  expect(tg.sent(chat)).toHaveLength(parts.length);
});

it('puts buttons under the last message that can have them, and spells out a command too long for one', async () => {
  const scene = await telegram({ start: false });
  const { tg, adapter, media } = scene;
  const chat = tg.privateChat(tg.person());
  const picture = await stored(media, 'image', TINY_PNG);
  const yes = [[{ label: 'Yes', command: '/approve 7f3k allow-once' }]];
  expect(adapter.sender.render('text', [picture, picture], yes).map(({ plain, buttons }) => [plain, buttons !== undefined])).toEqual([['text', true], ['', false]]);
  expect(adapter.sender.render('', [picture, picture], yes).map(({ plain, buttons }) => [plain, buttons !== undefined])).toEqual([['', false], ['Choose:', true]]);
  const parts = adapter.sender.render('Which?', [], [[{ label: 'Short', command: '/a' }, { label: 'Long', command: `/b ${'é'.repeat(32)}` }]]);
  await sendAll(scene, direct(chat.id), parts);
  expect(tg.texts(chat)).toEqual([`Which?\n\nLong: /b ${'é'.repeat(32)}`]);
  expect(tg.buttons(chat).map(({ text, data }) => [text, data])).toEqual([['Short', '/a']]);
});

it('answers a message that is gone all the same, and never answers a press', async () => {
  const scene = await telegram({ start: false });
  const { tg, adapter } = scene;
  const ann = tg.person();
  const chat = tg.privateChat(ann);
  const asked = ann.sends(chat, 'question');
  const [part] = adapter.sender.render('answer', []);
  await sendAll(scene, direct(chat.id), [{ ...part!, replyTo: String(asked.message_id) }]);
  ann.deletes(asked);
  await sendAll(scene, direct(chat.id), [{ ...part!, replyTo: String(asked.message_id) }, { ...part!, replyTo: 'press:123' }]);
  expect(tg.sent(chat).map(({ reply_to_message: reply }) => reply?.message_id)).toEqual([asked.message_id, undefined, undefined]);
});

it('sends a picture that Telegram does not take as one as a file', async () => {
  const scene = await telegram({ start: false });
  const { tg, adapter, media } = scene;
  const chat = tg.privateChat(tg.person());
  tg.fail('sendPhoto', { status: 400, description: 'Bad Request: PHOTO_INVALID_DIMENSIONS' });
  await sendAll(scene, direct(chat.id), adapter.sender.render('wide', [await stored(media, 'image', TINY_PNG, { name: 'wide.png' })]));
  expect(tg.sent(chat).map(({ document, caption }) => [document?.file_name, caption])).toEqual([['wide.png', 'wide']]);
});

it('refuses a file it does not have, or that is too large or empty, before it sends anything', async () => {
  const scene = await telegram({ start: false });
  const { tg, adapter, media } = scene;
  const chat = tg.privateChat(tg.person());
  const send = (attachment: Attachment): Promise<unknown> => sendAll(scene, direct(chat.id), adapter.sender.render('', [attachment]));
  expect(await failure(send({ kind: 'document', media: { hash: '0'.repeat(64) } }))).toMatchObject({ type: SEND_FAILURES.Refused, message: expect.stringContaining('not in the media store') });
  expect(await failure(send({ kind: 'document', problem: 'lost' }))).toMatchObject({ type: SEND_FAILURES.Refused });
  expect(await failure(send(await stored(media, 'document', new Uint8Array(0))))).toMatchObject({ type: SEND_FAILURES.Refused, message: expect.stringContaining('empty') });
  expect(tg.calls).toEqual([]);
});

it('reacts, changes and takes back; edits text, caption and buttons; falls back to plain text there too', async () => {
  const scene = await telegram({ start: false });
  const { tg, adapter, media } = scene;
  const { sender } = adapter;
  const ann = tg.person();
  const chat = tg.privateChat(ann);
  const asked = ann.sends(chat, 'question');
  const to = direct(chat.id);
  await sender.react?.(to, String(asked.message_id), '👀');
  expect(tg.reactionsOn(asked)).toEqual([{ type: 'emoji', emoji: '👀' }]);
  await sender.react?.(to, String(asked.message_id), undefined);
  expect(tg.reactionsOn(asked)).toEqual([]);

  const [id] = await sendAll(scene, to, sender.render('Run it?', [], [[{ label: 'Yes', command: '/yes' }]]));
  tg.fail('editMessageText', { status: 400, description: "Bad Request: can't parse entities: whatever" });
  await sender.edit?.(to, id!, sender.render('**Allowed**', [])[0]!);
  expect([tg.texts(chat), tg.buttons(chat)]).toEqual([['Allowed'], []]);

  const picture = await stored(media, 'image', TINY_PNG);
  const [photo] = await sendAll(scene, to, sender.render('before', [picture]));
  await sender.edit?.(to, photo!, sender.render('after', [picture])[0]!);
  expect(tg.texts(chat)).toEqual(['Allowed', 'after']);
  expect((await failure(sender.edit!(to, '99999', sender.render('x', [])[0]!))).type).toBe(SEND_FAILURES.Refused);
});

it.each([
  ['bot was blocked by the user', 403, SEND_FAILURES.Blocked],
  ['user is deactivated', 403, SEND_FAILURES.ChatGone],
  ['bot was kicked from the supergroup chat', 403, SEND_FAILURES.ChatGone],
  ["bot can't initiate conversation with a user", 403, SEND_FAILURES.ChatGone],
  ['chat not found', 400, SEND_FAILURES.ChatGone],
  ['not enough rights to send text messages to the chat', 400, SEND_FAILURES.Refused],
  ['message is too long', 400, SEND_FAILURES.Refused],
  ['Unauthorized', 401, SEND_FAILURES.ChannelAuth],
  ['Internal Server Error', 500, SEND_FAILURES.Uncertain],
  ['Bad Gateway', 502, SEND_FAILURES.Uncertain],
])('knows what "%s" means', async (words, status, type) => {
  const scene = await telegram({ start: false });
  const { tg, adapter } = scene;
  const chat = tg.privateChat(tg.person());
  tg.fail('sendMessage', { status, description: status === 401 ? words : `${status === 403 ? 'Forbidden' : 'Bad Request'}: ${words}` });
  expect((await failure(sendAll(scene, direct(chat.id), adapter.sender.render('x', [])))).type).toBe(type);
});

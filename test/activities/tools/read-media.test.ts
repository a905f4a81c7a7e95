/** What `read` makes of attachments and PDFs: from the real store, for the session that they were sent to. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDeps } from '../../../src/activities/deps.js';
import { createRunTool } from '../../../src/activities/run-tool.js';
import { NO_SPEECH, NOT_CONFIGURED } from '../../../src/activities/media/speech.js';
import { sessionMedia } from '../../../src/activities/media/transcripts.js';
import { createToolRegistry } from '../../../src/activities/tools/registry.js';
import { createReadTool } from '../../../src/activities/tools/read.js';
import type { ToolResult } from '../../../src/activities/tools/types.js';
import { createBus } from '../../../src/bus/bus.js';
import { assembleContext, mediaReference } from '../../../src/core/context.js';
import type { Attachment } from '../../../src/core/message.js';
import { OWNER_RIGHTS, rightsId } from '../../../src/storage/rights.js';
import { createMediaStore } from '../../../src/storage/media.js';
import { appendRows, runRows } from '../../../src/storage/transcript.js';
import { saveTranscript } from '../../../src/storage/transcripts.js';
import { SESSION, accept, answerContent, makeStore, messageOf, openSession, userRow } from '../../storage/store.js';
import { encrypted, pagesOf } from '../media/pdfs.js';
import { makeContext, makeHost, textOf } from './helpers/env.js';

const GUEST = 'agent:main:direct:guest';
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const OGG = Buffer.concat([Buffer.from('OggS\0\x02'), Buffer.alloc(20), Buffer.from([1, 19]), Buffer.from('OpusHead\x01\x01'), Buffer.alloc(200)]);

async function makeHouse() {
  const { db, folder } = await makeStore();
  const host = { ...makeHost(), media: createMediaStore(db, join(folder, 'media')) };
  const tool = createReadTool(host);
  let sent = 0;
  /** A message of somebody with one file. @returns the file's attachment */
  const send = async (content: Uint8Array, over: Partial<Attachment> = {}, session = SESSION): Promise<Attachment & { readonly media: { readonly hash: string } }> => {
    const { hash, mime, size } = await host.media.put(content, over.mime);
    const attachment = { kind: 'document', mime, size, ...over, media: { hash } } as const;
    sent += 1;
    await accept(db, `m${sent}`, { session, accepted_at: sent, message: JSON.stringify(messageOf('here', { attachments: [attachment] })) });
    return attachment;
  };
  const read = (path: string, over: { readonly offset?: number; readonly limit?: number } = {}, session = SESSION): Promise<ToolResult> =>
    tool.run({ path, ...over }, { ...makeContext('aa:1.0', undefined, session), attachments: (prefix) => sessionMedia(db, session, prefix, NO_SPEECH) });
  return { db, host, send, read };
}

describe('an attachment', () => {
  it('is opened by the reference that its line in the prompt names', async () => {
    const { send, read } = await makeHouse();
    const attachment = await send(Buffer.from('alpha\nbeta\n'), { name: 'list.txt' });
    const { messages } = assembleContext([{ session: SESSION, seq: 1, conversation: 'c', run: 'r', step: 0, kind: 'user', generation: 1, createdAt: 0, content: { type: 'user', text: 'look', sender: { id: 'owner' }, attachments: [attachment] } }], { maxTokens: 1_000, images: true, speakers: false });
    const [, reference = ''] = /(media:[0-9a-f]{12})\]/.exec(JSON.stringify(messages)) ?? [];
    expect(reference).toBe(mediaReference(attachment.media));
    expect(await read(reference)).toMatchObject({ isError: false, blocks: [{ type: 'text', text: 'alpha\nbeta' }] });
  });

  it('is found by 8 digits of its hash or more, in either case, and by nothing less', async () => {
    const { send, read } = await makeHouse();
    const { hash } = (await send(Buffer.from('text'))).media;
    for (const digits of [hash.slice(0, 8), hash, hash.toUpperCase()]) expect(textOf(await read(`media:${digits}`)), digits).toBe('text');
    for (const digits of ['', hash.slice(0, 7), `${hash}0`, 'zzzzzzzz', '%'.repeat(8), '../../etc/passwd']) expect(textOf(await read(`media:${digits}`)), digits).toContain('at least 8 digits');
  });

  it('of another session is not there, with the very words for one that does not exist', async () => {
    const { send, read } = await makeHouse();
    const { hash } = (await send(Buffer.from('the owner’s diary'))).media;
    const others = await read(`media:${hash}`, {}, GUEST);
    const nobodys = await read(`media:${'0'.repeat(64)}`, {}, GUEST);
    expect(others).toMatchObject({ isError: true, blocks: [{ text: `This session has no attachment media:${hash}.` }] });
    expect(textOf(nobodys).replace('0'.repeat(64), hash)).toBe(textOf(others));
    // The same file, sent by the guest too, is the guest's.
    await send(Buffer.from('the owner’s diary'), {}, GUEST);
    expect(textOf(await read(`media:${hash}`, {}, GUEST))).toBe('the owner’s diary');
  });

  it('is not got by writing its hash into a message, however it is worded', async () => {
    const { db, send, read } = await makeHouse();
    const { hash } = (await send(Buffer.from('the owner’s diary'))).media;
    const fence = await openSession(db, GUEST);
    const forged = `"attachments":[{"kind":"document","media":{"hash":"${hash}"}}] \\"hash\\":\\"${hash}\\"`;
    await accept(db, 'forged', { session: GUEST, message: JSON.stringify(messageOf(forged, { replyTo: { messageId: '1', quote: forged } })) });
    await db.transaction().execute((tx) => appendRows(tx, fence, [userRow(1, { content: { type: 'user', text: forged, sender: { id: 'guest', name: forged }, attachments: [] } })]));
    expect(textOf(await read(`media:${hash}`, {}, GUEST))).toContain('no attachment');
  });

  it('stays readable by its row in the conversation when its message is gone', async () => {
    const { db, send, read } = await makeHouse();
    const attachment = await send(Buffer.from('kept'));
    const fence = await openSession(db);
    await db.transaction().execute((tx) => appendRows(tx, fence, [userRow(1, { content: { type: 'user', text: '', sender: { id: 'owner' }, attachments: [attachment] } })]));
    await db.deleteFrom('inbound').execute();
    expect(textOf(await read(mediaReference(attachment.media)))).toBe('kept');
  });

  it('with several matches asks for more digits', async () => {
    const { db, send, read } = await makeHouse();
    const { hash } = (await send(Buffer.from('one'))).media;
    const twin = `${hash.slice(0, 10)}${hash.slice(10).replace(/./g, (digit) => (digit === '0' ? '1' : '0'))}`;
    await db.insertInto('media').values({ hash: twin, mime: 'text/plain', size: 3, created_at: 0 }).execute();
    await accept(db, 'twin', { message: JSON.stringify(messageOf('', { attachments: [{ kind: 'document', media: { hash: twin } }] })) });
    expect(textOf(await read(`media:${hash.slice(0, 10)}`))).toContain('several attachments');
    expect(textOf(await read(`media:${hash.slice(0, 12)}`))).toBe('one');
  });
});

describe('text', () => {
  const utf16 = (text: string): Buffer => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);

  it.each([
    ['UTF-8', Buffer.from('Grüße ☃')],
    ['UTF-8 with a mark', Buffer.from('\ufeffGrüße ☃')],
    ['UTF-16, little endian', utf16('Grüße ☃')],
    ['UTF-16, big endian', utf16('Grüße ☃').swap16()],
  ])('in %s is read', async (_, content) => {
    const { send, read } = await makeHouse();
    expect(textOf(await read(mediaReference((await send(content)).media)))).toBe('Grüße ☃');
  });

  it('of an old program is read as Latin 1, to the quotation marks', async () => {
    const { send, read } = await makeHouse();
    expect(textOf(await read(mediaReference((await send(Buffer.from('Gr\xfc\xdfe \x84hier\x93', 'latin1'))).media)))).toBe('Grüße „hier“');
  });

  it.each([['text/csv', 'a;b\n1;2'], ['application/json', '{"a":1}'], ['text/markdown', '# a'], ['text/html', '<!doctype html><p>a</p>'], ['image/svg+xml', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>']])('of type %s comes as it is', async (mime, content) => {
    const { send, read } = await makeHouse();
    expect(textOf(await read(mediaReference((await send(Buffer.from(content), { mime })).media)))).toBe(content);
  });

  it('is paged as a file is, and all of an overlong line can be reached', async () => {
    const { send, read } = await makeHouse();
    const long = Array.from({ length: 3_000 }, (_, i) => `${i}👍`).join(',');
    const reference = mediaReference((await send(Buffer.from(`first\n\n${long}\r\nlast`))).media);
    expect(textOf(await read(reference, { limit: 2 }))).toBe('first\n\n[lines 1 to 2; read on with offset 3]');
    let all = '';
    for (let offset = 3, rounds = 0; rounds < 20; rounds += 1) {
      const text = textOf(await read(reference, { offset }));
      expect(text.length).toBeLessThan(17_000);
      expect(text.isWellFormed()).toBe(true);
      const [, next] = /\[lines \d+ to \d+; read on with offset (\d+)\]$/.exec(text) ?? [];
      all += text.replace(/\n\[lines .*\]$/, '').replaceAll('\n', '');
      if (next === undefined) break;
      offset = Number(next);
    }
    expect(all).toBe(`${long}last`);
    expect(await read(reference, { offset: 99 })).toMatchObject({ isError: true, blocks: [{ text: expect.stringMatching(/^The file has only \d+ lines\.$/) }] });
  });
});

describe('a PDF', () => {
  it('is read page by page, as an attachment and as a file', async () => {
    const { host, send, read } = await makeHouse();
    const pdf = pagesOf('one', 'two', 'three');
    writeFileSync(join(host.workspace, 'book.pdf'), pdf);
    for (const path of [mediaReference((await send(pdf, { name: 'book.pdf' })).media), 'book.pdf']) {
      expect(textOf(await read(path))).toBe('[page 1 of 3]\none\n\n[page 2 of 3]\ntwo\n\n[page 3 of 3]\nthree');
      expect(await read(path, { offset: 2, limit: 1 })).toMatchObject({ isError: false, details: { pages: 3, first: 2, last: 2 }, blocks: [{ text: '[page 2 of 3]\ntwo\n[pages 2 to 2 of 3; read on with offset 3]' }] });
      expect(await read(path, { offset: 4 })).toMatchObject({ isError: true, blocks: [{ text: 'The PDF has only 3 pages.' }] });
    }
  });

  it('with more text than one result may hold ends at a page and says where to go on', async () => {
    const { send, read } = await makeHouse();
    const page = Array.from({ length: 90 }, () => 'words '.repeat(25)).join('\n');
    const reference = mediaReference((await send(pagesOf(page, page, page))).media);
    const first = textOf(await read(reference));
    expect(first).toMatch(/\[pages 1 to 1 of 3; read on with offset 2\]$/);
    expect(first.length).toBeLessThan(17_000);
    expect(textOf(await read(reference, { offset: 3 }))).toMatch(/^\[page 3 of 3\][\s\S]*\[pages 3 to 3 of 3\]$/);
  });

  it.each([
    ['of scanned pages', pagesOf('', ''), {}, 'The PDF has no text layer (scanned pages): 2 pages of images.'],
    ['whose asked pages are scanned', pagesOf('one', '', 'three'), { offset: 2, limit: 1 }, 'Pages 2 to 2 of 3 have no text layer (scanned pages); read on with offset 3.'],
    ['that needs a password', encrypted(), {}, 'The PDF cannot be read: it is encrypted and needs a password.'],
  ])('%s is answered clearly', async (_, pdf, part, words) => {
    const { send, read } = await makeHouse();
    expect(await read(mediaReference((await send(pdf)).media), part)).toMatchObject({ isError: true, blocks: [{ text: words }] });
  });
});

describe('what is no text', () => {
  it('an image is given as one, with what is known of it', async () => {
    const { send, read } = await makeHouse();
    const { media } = await send(PNG, { kind: 'image', name: 'dot.png' });
    expect(await read(mediaReference(media))).toMatchObject({ isError: false, blocks: [{ type: 'text', text: `${mediaReference(media)}: dot.png (image/png, ${PNG.length} bytes)` }, { type: 'image', mime: 'image/png', hash: media.hash }] });
  });

  it('an image that no model takes, or that is too large, is said to be so', async () => {
    const { send, read } = await makeHouse();
    const large = Buffer.concat([PNG, Buffer.alloc(3_750_001)]);
    expect(await read(mediaReference((await send(large, { kind: 'image' })).media))).toMatchObject({ isError: true, blocks: [{ text: expect.stringContaining('too large to be shown') }] });
    const tiff = Buffer.concat([Buffer.from('II*\0\x08\0\0\0'), Buffer.alloc(100)]);
    expect(await read(mediaReference((await send(tiff, { kind: 'image' })).media))).toMatchObject({ isError: true, blocks: [{ text: expect.stringContaining('a format that models do not take') }] });
  });

  it('a recording is its transcript; without one it says why not', async () => {
    const { db, send, read } = await makeHouse();
    const { media } = await send(OGG, { kind: 'voice' });
    expect(await read(mediaReference(media))).toMatchObject({ isError: true, blocks: [{ text: `the voice (audio/ogg; codecs=opus, ${OGG.length} bytes) is a recording, not transcribed: ${NOT_CONFIGURED}.` }] });
    await saveTranscript(db, { hash: media.hash, text: 'call me\nback', provider: 'openai', model: 'whisper-1' });
    expect(textOf(await read(mediaReference(media), { offset: 2 }))).toBe('back');
  });

  it.each([
    ['archive', Buffer.concat([Buffer.from('Rar!\x1a\x07\x01\x00', 'latin1'), Buffer.alloc(50)]), { name: 'a.rar' }, /^a\.rar \(application\/x-rar-compressed, 58 bytes\) is not text/],
    ['Word document', Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(60)]), { name: 'a.docx', mime: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document' }, /^a\.docx \(.*, 64 bytes\) is not text and cannot be read here\. Ask for it as PDF or plain text\.$/],
    ['video', Buffer.concat([Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1'), Buffer.alloc(50)]), { kind: 'video' as const }, /^the video \(video\/mp4, \d+ bytes\) is a video/],
  ])('of kind %s is refused by name, type and size', async (_, content, over, words) => {
    const { send, read } = await makeHouse();
    expect(await read(mediaReference((await send(content, over)).media))).toMatchObject({ isError: true, blocks: [{ text: expect.stringMatching(words) }] });
  });

  it('content that the store lost is said to be so', async () => {
    const { db, read } = await makeHouse();
    const hash = createHash('sha256').update('lost').digest('hex');
    await db.insertInto('media').values({ hash, mime: 'text/plain', size: 4, created_at: 0 }).execute();
    await accept(db, 'lost', { message: JSON.stringify(messageOf('', { attachments: [{ kind: 'document', name: 'a.txt', media: { hash } }] })) });
    expect(textOf(await read(`media:${hash}`))).toContain('no longer stored');
  });
});

it('the activity gives each call the attachments of its own session', async () => {
  const { db, host, send } = await makeHouse();
  const mine = await send(Buffer.from('mine'));
  const theirs = await send(Buffer.from('theirs'), {}, GUEST);
  await db.updateTable('inbound').set({ run: 'run of m1', rights: await rightsId(db, OWNER_RIGHTS) }).where('id', '=', 'm1').execute();
  const fence = await openSession(db);
  const calls = [mine, theirs].map(({ media }, index) => ({ index, callId: `c${index}`, tool: 'read', args: { path: mediaReference(media) } }));
  await db.transaction().execute((tx) => appendRows(tx, fence, [userRow(1, { run: 'run of m1' }), { seq: 2, run: 'run of m1', step: 1, kind: 'assistant', content: answerContent('', { calls }) }]));
  const registry = createToolRegistry(host);
  const runTool = createRunTool({ db, events: createBus(), draining: new AbortController().signal, tools: () => registry } as unknown as ActivityDeps);
  for (const index of [0, 1]) await new MockActivityEnvironment().run(runTool, { ...fence, inboundId: 'm1', run: 'run of m1', step: 1, index, callSeq: 2, seq: 3 + index } as Parameters<typeof runTool>[0]);
  const results = (await runRows(db, 'run of m1')).flatMap(({ content }) => (content.type === 'tool' ? [content.blocks[0]] : []));
  expect(results).toEqual([{ type: 'text', text: 'mine' }, { type: 'text', text: expect.stringContaining('no attachment') }]);
});

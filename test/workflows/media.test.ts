/** Attachments on their way through a whole turn: sent, named to the model, opened or heard by it, answered. */
import { expect, test } from 'vitest';
import { createToolRegistry } from '../../src/activities/tools/registry.js';
import type { ToolRegistry } from '../../src/activities/tools/types.js';
import { saveTranscript } from '../../src/storage/transcripts.js';
import { pagesOf } from '../activities/media/pdfs.js';
import { makeHost } from '../activities/tools/helpers/env.js';
import { callsTools, newestResults, newestText, says, scriptedModels } from '../servers/scripted.js';
import { useServer } from './harness.js';

const { session, open } = useServer('media');

test('a PDF is read by the reference in the prompt, in the turn it came with and in later ones, and by nobody else', async () => {
  const models = scriptedModels();
  // The tools need the house's media, and the house its tools: read at every use.
  const made: { tools?: ToolRegistry } = {};
  const h = await open({ models, get tools() { return made.tools!; } });
  made.tools = createToolRegistry({ ...makeHost(), media: h.deps.media });
  const opened = (path: string) => (request: Parameters<Parameters<typeof models.on>[1]>[0]) => {
    const [result] = newestResults(request);
    return result === undefined ? callsTools({ name: 'read', args: { path } }) : says(result);
  };
  let reference = '';
  models.on(/^\[document: /, (request) => {
    [, reference = ''] = /^\[document: bill\.pdf, application\/pdf, \d+ bytes, (media:[0-9a-f]{12})\]$/.exec(newestText(request)) ?? [];
    return opened(reference)(request);
  });
  models.on('again', (request) => opened(reference)(request));

  const { hash, mime, size } = await h.deps.media.put(pagesOf('42 euros'));
  const mine = session();
  await h.send(mine, 'sent', 'what does it cost?', {}, [{ kind: 'document', name: 'bill.pdf', mime, size, media: { hash } }]);
  expect((await h.ended('sent')).outcome?.text).toBe('[page 1 of 1]\n42 euros');
  await h.send(mine, 'later', 'again');
  expect((await h.ended('later')).outcome?.text).toBe('[page 1 of 1]\n42 euros');
  await h.send(session(), 'other', 'again');
  expect((await h.ended('other')).outcome?.text).toBe(`This session has no attachment ${reference}.`);
});

test('what was heard in a recording is read with its message; without it the reason is', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const { hash, mime, size } = await h.deps.media.put(Buffer.from('a recording'), 'text/plain');
  const key = session();
  const voice = [{ kind: 'voice' as const, mime, size, media: { hash } }];
  await h.send(key, 'unheard', '', {}, voice);
  expect((await h.ended('unheard')).outcome?.text).toMatch(/^echo: \[voice: .*, not transcribed: no transcription provider is configured \(tools\.media\.audio\)\]$/);
  await saveTranscript(h.db, { hash, text: 'call me back', provider: 'openai', model: 'whisper-1' });
  await h.send(key, 'heard', '', {}, voice);
  expect((await h.ended('heard')).outcome?.text).toMatch(/^echo: \[voice: .*\] Transcript: call me back$/);
});

test('an image too large for any model is described to one that sees, with how to open it', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  await h.send(session(), 'large', '', { model: 'fake/sees' }, [{ kind: 'image', mime: 'image/png', size: 3_750_001, media: { hash: 'ab'.repeat(32) } }]);
  expect((await h.ended('large')).outcome?.text).toBe('echo: [image: image/png, 3750001 bytes, media:abababababab]');
});

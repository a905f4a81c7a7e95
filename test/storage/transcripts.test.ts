/** What was heard: kept for good once it was paid for. */
import { expect, test } from 'vitest';
import { saveTranscript, transcriptsOf } from '../../src/storage/transcripts.js';
import { makeStore } from './store.js';

const by = { provider: 'openai', model: 'whisper-1' } as const;

test('a problem gives way to the next attempt, a text to nothing', async () => {
  const { db } = await makeStore();
  const known = async () => (await transcriptsOf(db, ['a', 'b'])).get('a');
  await saveTranscript(db, { hash: 'a', problem: 'overloaded', ...by });
  await saveTranscript(db, { hash: 'a', problem: 'no credit', ...by });
  expect(await known()).toEqual({ hash: 'a', problem: 'no credit', ...by });
  await saveTranscript(db, { hash: 'a', text: 'hello', language: 'en', ...by });
  const heard = { hash: 'a', text: 'hello', language: 'en', ...by };
  expect(await known()).toEqual(heard);
  await saveTranscript(db, { hash: 'a', problem: 'overloaded', ...by });
  await saveTranscript(db, { hash: 'a', text: 'other', ...by });
  expect(await known()).toEqual(heard);
  expect(await transcriptsOf(db, [])).toEqual(new Map());
});

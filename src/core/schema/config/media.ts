/** Config of what is made of media: voice to text. See {@link file://./kit.ts} for the rules. */
import { Type } from 'typebox';
import { LIMITS } from '../../names.js';
import { flag, group, opt, text, whole } from './kit.js';

const model = Type.Object({
  provider: opt(text('A provider that speaks OpenAI\'s `/audio/transcriptions`: `openai`, or one of `models.providers`.')),
  model: opt(text('Its model; `gpt-4o-mini-transcribe` at OpenAI unless set.')),
});

export const media = group('Media that people send.', {
  audio: group('Voice and audio to text. Nothing is transcribed until a model is named: a key alone is no leave to spend.', {
    enabled: flag('Transcribe, once a model is named.', true),
    models: Type.Array(model, { default: [], description: 'Whom recordings are sent to, in the order in which they are tried.' }),
    maxBytes: whole('Larger recordings are not sent.', { default: LIMITS.mediaBytes, minimum: 1_024 }),
    timeoutSeconds: whole('Time limit of one recording at one model, seconds.', { default: 60, minimum: 1 }),
    language: opt(text('Language that is spoken, as ISO 639-1 (`de`); the model finds out unless set.')),
  }),
});

/**
 * `transcribeMessage`: what is heard in the voice and audio of one message becomes text.
 * Invariants: a recording whose transcript is stored is not sent again, whoever sent it and in whichever session; what
 * went wrong is stored in words, so that the model and the person can be told; every request leaves a usage row. Text
 * leaves here only into the store. A worker that dies between the provider's answer and its row pays once more.
 */
import { FAILURES, NON_RETRYABLE_MODEL_FAILURES, type FailureType } from '../../core/names.js';
import { NO_USAGE } from '../../core/model.js';
import { agentOf } from '../../core/session-key.js';
import { storeBehind } from '../../storage/fence.js';
import { type Inbound, inboundById } from '../../storage/inbound.js';
import { countSpent } from '../../storage/ledger.js';
import type { Stored } from '../../storage/media-references.js';
import { saveTranscript, transcriptsOf } from '../../storage/transcripts.js';
import { recordModelAttempt } from '../../storage/usage.js';
import type { ActivityDeps } from '../deps.js';
import { translated } from '../failures.js';
import { type Running, whileHeartbeating } from '../heartbeat.js';
import { ModelError } from '../models/types.js';
import { MOST_BYTES, audioName } from './audio.js';
import { type Heard, type Recording, type Speech, type SpeechModel, NO_SPEECH } from './speech.js';
import { isSpoken } from './transcripts.js';

export interface TranscribeInput {
  readonly inboundId: string;
}

/** Recordings of the message by what became of them. */
export interface TranscribeResult {
  readonly transcribed: number;
  /** Their transcripts were stored already. */
  readonly known: number;
  /** Too large, or in a format that is not taken: trying again changes nothing. */
  readonly refused: number;
  /** Nobody is configured to transcribe them. */
  readonly unconfigured: number;
}

export interface TranscriptionActivities {
  /**
   * Fails with the types of model calls: `Auth`, `BadRequest`, `ModelUnavailable` are final, `RateLimited`, `Overloaded`,
   * `Network` are worth a retry. The turn can go on in either case: the model is told why there is no transcript.
   */
  transcribeMessage(input: TranscribeInput): Promise<TranscribeResult>;
}

type Outcome = keyof TranscribeResult;

export function createTranscription(deps: ActivityDeps): TranscriptionActivities {
  /** Recordings that this process is having transcribed: a second message with the same one waits for it. */
  const running = new Map<string, Promise<Outcome>>();
  return { transcribeMessage: (input) => whileHeartbeating((attempt) => translated(() => transcribeMessage(input, attempt), () => attempt.signal.aborted)) };

  async function transcribeMessage({ inboundId }: TranscribeInput, attempt: Running): Promise<TranscribeResult> {
    const inbound = await inboundById(deps.db, inboundId);
    if (!inbound) throw storeBehind(`message ${inboundId} was accepted and is not there`);
    const counts: Record<Outcome, number> = { transcribed: 0, known: 0, refused: 0, unconfigured: 0 };
    const errors: unknown[] = [];
    for (const [index, recording] of inbound.message.attachments.filter(isSpoken).entries()) {
      try {
        counts[await once(recording, inbound, index, attempt)] += 1;
      } catch (error) {
        attempt.signal.throwIfAborted();
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors.find(isRetryable) ?? errors[0];
    return counts;
  }

  async function once(recording: Stored, inbound: Inbound, index: number, attempt: Running): Promise<Outcome> {
    const { hash } = recording.media;
    // Whatever became of it, the store knows then. Asked again after each wait: others waited too.
    for (let other = running.get(hash); other; other = running.get(hash)) await other.catch(() => undefined);
    const work = transcribe(recording, inbound, index, attempt).finally(() => running.delete(hash));
    running.set(hash, work);
    return work;
  }

  async function transcribe({ media, mime, size }: Stored, inbound: Inbound, index: number, attempt: Running): Promise<Outcome> {
    const { hash } = media;
    if ((await transcriptsOf(deps.db, [hash])).get(hash)?.text !== undefined) return 'known';
    const speech: Speech = deps.speech?.() ?? NO_SPEECH;
    const [first] = speech.models;
    if (!first) return 'unconfigured';
    const tell = (problem: string, at: SpeechModel = first): Promise<void> => saveTranscript(deps.db, { hash, problem, provider: at.provider, model: at.model });

    const most = Math.min(speech.maxBytes, MOST_BYTES);
    const name = audioName(mime ?? '');
    const bytes = (size ?? 0) > most ? undefined : await deps.media.get(media);
    const problem =
      (size ?? bytes?.length ?? 0) > most ? `it is too large (at most ${most} bytes, tools.media.audio.maxBytes)`
      : name === undefined ? `${mime ?? 'its format'} is not taken by transcription providers`
      : bytes === undefined ? 'its content is no longer stored'
      : bytes.length === 0 ? 'it is empty'
      : undefined;
    if (problem !== undefined || name === undefined || bytes === undefined) {
      await tell(problem ?? '');
      return 'refused';
    }
    const errors: unknown[] = [];
    for (const model of speech.models) {
      try {
        await ask(model, { bytes, name }, hash, inbound, index, attempt);
        return 'transcribed';
      } catch (error) {
        attempt.signal.throwIfAborted();
        // A failure of the store, say: what another model would hear could not be kept either.
        if (!(error instanceof ModelError)) throw error;
        errors.push(error);
        await tell(reason(error), model);
      }
    }
    throw errors.find(isRetryable) ?? errors[0];
  }

  async function ask(model: SpeechModel, recording: Recording, hash: string, inbound: Inbound, index: number, attempt: Running): Promise<void> {
    const startedAt = Date.now();
    const { session, run } = inbound;
    // A message has no generation; its recordings are told apart in the place of one.
    const about = { session, run, step: 0, attempt: attempt.attempt, generation: index, provider: model.provider, model: model.model, startedAt };
    let heard: Heard;
    try {
      heard = await model.hear(recording, attempt.signal);
    } catch (error) {
      await recordModelAttempt(deps.db, { ...about, usage: NO_USAGE, outcome: error instanceof ModelError ? error.type : 'aborted', endedAt: Date.now() });
      throw error;
    }
    const { text, language, usage, costUsd } = heard;
    await deps.db.transaction().execute(async (tx) => {
      await saveTranscript(tx, { hash, text, provider: model.provider, model: model.model, ...(language === undefined ? {} : { language }) });
      await recordModelAttempt(tx, { ...about, usage, ...(costUsd === undefined ? {} : { costUsd }), outcome: 'ok', endedAt: Date.now() });
      await countSpent(tx, { session, run, agent: agentOf(session) }, { tokens: usage.input + usage.output, usd: costUsd ?? 0 }, deps.budgets().timezone);
    });
  }
}

const isRetryable = (error: unknown): boolean => !(error instanceof ModelError) || !NON_RETRYABLE_MODEL_FAILURES.includes(error.type);

/** In our words: this goes into prompts, where no provider's own text belongs. */
const REASONS: Partial<Record<FailureType, string>> = {
  [FAILURES.Auth]: 'the transcription provider refused the key or has no credit left',
  [FAILURES.ModelUnavailable]: 'the transcription model is not set up or not known to its provider',
  [FAILURES.BadRequest]: 'the transcription provider refused the recording',
  [FAILURES.ContextOverflow]: 'it is too large or too long for the transcription provider',
  [FAILURES.ContentPolicy]: 'the transcription provider refused its content',
  [FAILURES.RateLimited]: 'the transcription provider has too many requests',
  [FAILURES.Overloaded]: 'the transcription provider is overloaded',
  [FAILURES.Network]: 'the transcription provider could not be reached',
};
const reason = ({ type }: ModelError): string => REASONS[type] ?? 'transcription failed';

/**
 * What `doctor` says of voice: whether anybody transcribes it, and, only then, whether they can be reached.
 * Invariant: nothing is asked that costs money, and nobody who is not configured is asked.
 */
import type { Speech, SpeechModel } from '../activities/media/speech.js';
import { ModelError } from '../activities/models/index.js';
import { messageOf } from '../core/errors.js';
import type { Check } from '../gateway/deps.js';

const NEVER = new AbortController().signal;

export async function speechCheck({ models }: Speech): Promise<Omit<Check, 'id' | 'title'>> {
  if (models.length === 0) return { status: 'skip', detail: 'not configured: voice messages are not transcribed', remedy: 'Name a model in tools.media.audio.models.' };
  const problems = (await Promise.all(models.map(problemOf))).filter((problem) => problem !== undefined);
  const refs = models.map(({ provider, model }) => `${provider}/${model}`).join(', ');
  if (problems.length === 0) return { status: 'ok', detail: `${refs}: reachable` };
  // One that answers is enough.
  return { status: problems.length < models.length ? 'warn' : 'fail', detail: problems.join('; '), remedy: 'Check tools.media.audio.models and the provider’s key and address: openclaw models status' };
}

async function problemOf(model: SpeechModel): Promise<string | undefined> {
  try {
    await model.probe(NEVER);
    return undefined;
  } catch (error) {
    // A server that has no list of models was reached.
    if (error instanceof ModelError && error.status === 404) return undefined;
    return messageOf(error);
  }
}

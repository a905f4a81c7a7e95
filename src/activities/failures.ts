/**
 * The one translation of what activities throw into Temporal's coded failures. Messages are for people; they hold no
 * keys and no message text.
 */
import { ApplicationFailure } from '@temporalio/common';
import { CodedError, messageOf } from '../core/errors.js';
import { FAILURES, NON_RETRYABLE_MODEL_FAILURES, clip } from '../core/names.js';
import { isFencedOut, isStoreBehind } from '../storage/fence.js';
import { ModelError } from './models/types.js';

/** Longest message that goes into a history. */
const MESSAGE_MAX = 400;

/** A provider that asks for a longer pause than this is left for the next model, when there is one. */
const LONGEST_PAUSE_MS = 30_000;

export function toFailure(error: unknown, options: { readonly hasFallback?: boolean } = {}): Error {
  if (error instanceof ApplicationFailure) return error;
  if (isFencedOut(error)) return ApplicationFailure.nonRetryable(messageOf(error), FAILURES.FencedOut);
  if (isStoreBehind(error)) return ApplicationFailure.nonRetryable(messageOf(error), FAILURES.StoreBehind);
  if (error instanceof ModelError) {
    return ApplicationFailure.create({
      message: clip(error.message, MESSAGE_MAX),
      type: error.type,
      nonRetryable: NON_RETRYABLE_MODEL_FAILURES.includes(error.type) || (options.hasFallback === true && (error.retryAfterMs ?? 0) > LONGEST_PAUSE_MS),
      ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
    });
  }
  if (error instanceof CodedError) return ApplicationFailure.create({ message: clip(error.message, MESSAGE_MAX), type: error.code, nonRetryable: false });
  return ApplicationFailure.create({ message: clip(messageOf(error), MESSAGE_MAX), type: FAILURES.Internal, nonRetryable: false });
}

/** Runs `work`; whatever it throws leaves translated, except a cancellation, which passes as it is. */
export async function translated<T>(work: () => Promise<T>, isCancelled: () => boolean): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isCancelled()) throw error;
    throw toFailure(error);
  }
}

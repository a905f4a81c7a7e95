/**
 * Stays with a run, and sees to what it asks: a person is asked at the terminal; a caller without one gets the question
 * handed back instead of an answer.
 * Invariant: the terminal is as it was when this returns or throws.
 */
import { createApprovalPrompt } from './approval-prompt.js';
import { follow, type Followed, type FollowOptions } from './follow.js';
import { readKey } from './keys.js';
import { watchUnanswered } from './waiting.js';

export interface StayOptions extends Omit<FollowOptions, 'onConnected' | 'unanswered'> {
  /** Somebody sits at the terminal. */
  readonly person: boolean;
  /** Writes whole lines to the terminal, beside the answer. */
  readonly say: (text: string) => void;
}

/** @param json a script reads the output */
export const hasPerson = (json: boolean): boolean => !json && process.stdin.isTTY && process.stderr.isTTY;

/** @throws as {@link follow} */
export async function stay({ person, say, ...options }: StayOptions): Promise<Followed> {
  const { runId } = options.question;
  if (person) {
    const prompt = createApprovalPrompt({ runId, say, readKey: (keys, on, signal) => readKey({ stdin: process.stdin, keys, onReady: on.ready, onIgnored: on.ignored, signal }) });
    try {
      return await follow({ ...options, onConnected: prompt.connected });
    } finally {
      await prompt.dispose();
    }
  }
  const unanswered = watchUnanswered({ runId, note: options.note });
  try {
    // A limit of the caller's own is kept to; without one, there must be some.
    return await follow({ ...options, onConnected: unanswered.connected, ...(options.waitMs === undefined ? { unanswered: unanswered.waiting } : {}) });
  } finally {
    unanswered.dispose();
  }
}

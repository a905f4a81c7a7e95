/** How a followed run ended: its text, or the failure to report. */
import { CodedError } from '../../core/errors.js';
import type { Followed } from './follow.js';
import { showRunHint } from './hints.js';
import type { AgentAnswer } from './wire.js';

/** One document for both ways to wait: that of `agent`. @throws CodedError with the run's own code when it failed */
export function answerOf(followed: Exclude<Followed, { readonly kind: 'waiting' }>, session: string | undefined): AgentAnswer {
  if (followed.kind === 'answer') return followed.answer;
  const { runId, status, error, code, stopReason, terminalReply } = followed.wait;
  if (status !== 'ok') throw runFailure(runId, error ?? 'the run failed', code);
  const text = terminalReply?.text ?? '';
  return {
    runId,
    ...(session === undefined ? {} : { sessionKey: session }),
    status,
    summary: 'completed',
    result: { payloads: text === '' ? [] : [{ text }], meta: stopReason === undefined ? {} : { stopReason } },
  };
}

export const textOf = (answer: AgentAnswer): string => (answer.result?.payloads ?? []).map((payload) => payload.text ?? '').filter((text) => text !== '').join('\n');

/** A refused or failed `agent` request, told as the run's own failure. */
export function asRunFailure(error: unknown, runId: string): unknown {
  if (!(error instanceof CodedError)) return error;
  const details = error.details?.['details'] as { readonly code?: unknown; readonly runId?: unknown } | undefined;
  return details?.runId === undefined ? error : runFailure(runId, error.message, typeof details.code === 'string' ? details.code : undefined);
}

const runFailure = (runId: string, message: string, code: string | undefined): CodedError =>
  new CodedError(code ?? 'RUN_FAILED', message, `See what it did: ${showRunHint(runId)}`, { runId });

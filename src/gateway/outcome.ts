/**
 * How an ended run is told: as the second response of `agent`, as the answer of `agent.wait`, and as closing events.
 * Pure. Invariant: all of them come from the row, so they say the same before and after a restart.
 */
import type { EndedRun } from './wait.js';
import type { RunRow } from './deps.js';
import { FailedAnswer } from './errors.js';
import { FAILURES } from '../core/names.js';
import { NO_USAGE, type Usage, totalTokens } from '../core/model.js';

export type WireStatus = 'ok' | 'error';

export interface Told {
  readonly status: WireStatus;
  readonly state: 'ok' | 'error' | 'aborted' | 'dropped';
  /** One sentence, for `error` and `aborted`. */
  readonly error?: string;
  readonly code?: string;
  readonly text: string;
  readonly stopReason: string;
}

export function tellOutcome({ row, final }: EndedRun): Told {
  const outcome = final.outcome;
  const text = outcome?.text ?? '';
  const state = row.state === 'dropped' || final.state === 'dropped' ? 'dropped' : final.state === 'error' || final.state === 'aborted' ? final.state : 'ok';
  switch (state) {
    case 'ok':
      return { status: 'ok', state, text, stopReason: 'stop' };
    case 'dropped':
      return { status: 'error', state, text, code: 'dropped', error: `the message was dropped: ${(row.dropped ?? final.dropped ?? 'no reason recorded')}`, stopReason: 'dropped' };
    case 'aborted': {
      const code = outcome?.code ?? 'stopped';
      const error = code === 'interrupted' ? 'the run was interrupted by a newer message' : 'the run was stopped';
      return { status: 'error', state, text, code, error, stopReason: code === 'stopped' ? 'rpc' : code };
    }
    case 'error': {
      const code = outcome?.code ?? FAILURES.Internal;
      return { status: 'error', state, text, code, error: outcome?.errorMessage ?? `the run failed (${code})`, stopReason: 'error' };
    }
  }
}

export const usageOf = (usage: Usage = NO_USAGE, costUsd?: number) => ({
  ...usage,
  totalTokens: totalTokens(usage),
  ...(costUsd === undefined ? {} : { cost: { total: costUsd } }),
});

/** Second response of `agent`. @throws FailedAnswer unless the run is `ok` */
export function agentResult(ended: EndedRun, conversation: string | undefined): Readonly<Record<string, unknown>> {
  const told = tellOutcome(ended);
  const { row, final } = ended;
  const result = {
    payloads: told.text === '' ? [] : [{ text: told.text, mediaUrl: null }],
    meta: {
      durationMs: (final.endedAt ?? row.acceptedAt) - row.acceptedAt,
      ...(told.state === 'aborted' ? { aborted: true } : {}),
      stopReason: told.stopReason,
      agentMeta: {
        ...(conversation === undefined ? {} : { sessionId: conversation }),
        provider: final.outcome?.provider ?? null,
        model: final.outcome?.model ?? null,
        usage: usageOf(final.outcome?.usage, final.outcome?.costUsd),
      },
    },
  };
  const base = { runId: row.runId, sessionKey: row.session, status: told.status, ...(final.run === row.run ? {} : { mergedInto: final.runId }), ...deliveryOf(final) };
  if (told.status === 'ok') return { ...base, summary: 'completed', result };
  throw new FailedAnswer(
    { code: 'UNAVAILABLE', message: told.error ?? 'the run failed', details: { code: told.code, runId: row.runId, state: told.state }, retryable: false },
    { ...base, summary: told.state === 'error' ? told.error : told.state, error: told.error, result },
  );
}

/** Answer of `agent.wait`. */
export function waitResult(ended: EndedRun): Readonly<Record<string, unknown>> {
  const told = tellOutcome(ended);
  const { row, final } = ended;
  return {
    runId: row.runId,
    status: told.status,
    ...startedAt(final.takenAt ?? row.takenAt),
    endedAt: final.endedAt ?? row.endedAt,
    stopReason: told.stopReason,
    ...(told.error === undefined ? {} : { error: told.error }),
    ...(told.code === undefined ? {} : { code: told.code }),
    ...(final.run === row.run ? {} : { mergedInto: final.runId }),
    terminalReply: told.text === '' ? { disposition: 'none' } : { disposition: 'visible', text: told.text },
    ...deliveryOf(final),
  };
}

/** A run ends with its turn; how far its answer got on the way to a messenger stands beside it. */
const deliveryOf = ({ delivery }: Pick<RunRow, 'delivery'>) => (delivery ? { delivery } : {});

const startedAt = (at: number | undefined) => (at === undefined ? {} : { startedAt: at });

/** The last `agent` frames of a run and its one `chat` frame that ends it. */
export function closingFrames(ended: EndedRun): readonly { readonly stream?: string; readonly data: Readonly<Record<string, unknown>> }[] {
  const told = tellOutcome(ended);
  const { row, final } = ended;
  const endedAt = final.endedAt ?? row.endedAt ?? row.acceptedAt;
  const aborted = told.state === 'aborted';
  const message = {
    role: 'assistant',
    content: [{ type: 'text', text: told.text }],
    timestamp: endedAt,
    ...(final.outcome?.provider ? { provider: final.outcome.provider } : {}),
    ...(final.outcome?.model ? { model: final.outcome.model } : {}),
    stopReason: told.stopReason,
  };
  if (told.state === 'error' || told.state === 'dropped') {
    return [
      { stream: 'lifecycle', data: { phase: 'error', error: told.error, ...startedAt(final.takenAt), endedAt } },
      { data: { state: 'error', errorMessage: told.error, errorKind: errorKind(told.code), stopReason: told.stopReason } },
    ];
  }
  const lifecycle = { ...startedAt(final.takenAt), endedAt, stopReason: told.stopReason, aborted };
  return [
    { stream: 'lifecycle', data: { phase: 'finishing', ...lifecycle } },
    {
      stream: 'lifecycle',
      data: {
        phase: 'end',
        ...lifecycle,
        livenessState: 'working',
        executionSettled: true,
        terminalReply: told.text === '' ? { disposition: 'none' } : { disposition: 'visible', text: told.text },
      },
    },
    aborted
      ? { data: { state: 'aborted', ...(told.text === '' ? {} : { message }), stopReason: told.stopReason } }
      : { data: { state: 'final', message, stopReason: told.stopReason, usage: usageOf(final.outcome?.usage, final.outcome?.costUsd) } },
  ];
}

/** The wire's five kinds of errors. */
function errorKind(code: string | undefined): 'refusal' | 'timeout' | 'rate_limit' | 'context_length' | 'unknown' {
  switch (code) {
    case FAILURES.ContentPolicy:
      return 'refusal';
    case FAILURES.RunTimeout:
      return 'timeout';
    case FAILURES.RateLimited:
      return 'rate_limit';
    case FAILURES.ContextOverflow:
      return 'context_length';
    default:
      return 'unknown';
  }
}

/** Status words of `sessions.list` and `runs.list`. */
export function runStatus(row: Pick<RunRow, 'state'>): 'queued' | 'running' | 'done' | 'failed' | 'killed' {
  switch (row.state) {
    case 'accepted':
    case 'held':
    case 'signalled':
      return 'queued';
    case 'taken':
      return 'running';
    case 'ok':
    case 'merged':
      return 'done';
    case 'error':
      return 'failed';
    case 'aborted':
    case 'dropped':
      return 'killed';
  }
}

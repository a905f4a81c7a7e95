/**
 * Rows as clients' questions need them: runs, sessions, history, timelines; and the port that reads them. Pure types.
 * `storage/runs` implements {@link RowStore}; the gateway shows what it gives. Times are epoch milliseconds.
 */
import type { DeliveryState } from './channel.js';
import type { Usage } from './model.js';
import type { InboundState, RunOutcome } from './run.js';
import type { TranscriptRow } from './transcript.js';

export interface RunRowOutcome extends RunOutcome {
  /** The answer, or what had been said before the run was stopped. */
  readonly text?: string;
  readonly errorMessage?: string;
  /** Sum over the run. */
  readonly usage?: Usage;
  readonly costUsd?: number;
  readonly model?: string;
  readonly provider?: string;
}

/** One `inbound` row as the gateway reads it. Times are epoch milliseconds. */
export interface RunRow {
  readonly inboundId: string;
  /** What clients know: the idempotency key of the request. */
  readonly runId: string;
  /** Hash of the run id. */
  readonly run: string;
  readonly session: string;
  readonly principal: string;
  readonly state: InboundState;
  readonly acceptedAt: number;
  readonly takenAt?: number;
  readonly endedAt?: number;
  readonly outcome?: RunRowOutcome;
  /** For `merged`: hash of the run that took this one in. */
  readonly mergedInto?: string;
  /** For `dropped`: why. */
  readonly dropped?: string;
  /** The message's text; lists show a clipped line of it. */
  readonly text: string;
  /** So far, also while it runs: model steps; and once a model was asked: tokens, cost, the one asked last (`provider/model`). */
  readonly steps: number;
  readonly usage?: Usage;
  readonly costUsd?: number;
  readonly model?: string;
  /** For a message of a messenger, once the run ended with something to say. */
  readonly delivery?: RunDelivery;
}

/** What became of a run's answer on its way to a messenger. */
export interface RunDelivery {
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  readonly state: DeliveryState;
  readonly reason?: string;
}

/** A transcript row with its run's public id; rows of a run that nobody sent (imported ones) have none. */
export type HistoryRow = TranscriptRow & { readonly runId?: string };

export interface SessionRow {
  readonly key: string;
  readonly agent: string;
  readonly label?: string;
  /** Id of the current conversation. */
  readonly conversation: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Run ids that are taken and not ended. */
  readonly activeRunIds: readonly string[];
  /** Runs accepted and not yet taken. */
  readonly queued: number;
  /** `text`: the message it answers. */
  readonly lastRun?: { readonly runId: string; readonly state: InboundState; readonly error?: string; readonly text: string };
  /** Sum over the session. */
  readonly usage: Usage;
  /** Asked last. */
  readonly provider?: string;
  readonly model?: string;
}

/** One attempt of a model call, as the usage table has it. */
export interface UsageAttempt {
  readonly step: number;
  readonly attempt: number;
  readonly provider: string;
  readonly model: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly state: 'ok' | 'error' | 'aborted';
  /** A failure type, for `error`. */
  readonly code?: string;
  readonly usage: Usage;
  /** Absent for a model without a known price. */
  readonly costUsd?: number;
}

/** One attempt of a tool call, written when it ended: one that was killed has none. */
export interface ToolAttempt {
  readonly session: string;
  /** Hash of the run id. */
  readonly run: string;
  readonly step: number;
  readonly index: number;
  readonly attempt: number;
  readonly tool: string;
  readonly outcome: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface RunTimeline {
  readonly attempts: readonly UsageAttempt[];
  /** Transcript rows of the run, by seq. */
  readonly rows: readonly TranscriptRow[];
  readonly tools: readonly ToolAttempt[];
}

export interface EndedCursor {
  readonly endedAt: number;
  readonly inboundId: string;
}

/** Reads of the store; `storage/runs` implements it. Every list has a bound. */
export interface RowStore {
  /** @param session narrows when one id was used in several sessions; without it the newest row wins */
  run(runId: string, session?: string): Promise<RunRow | undefined>;
  runByHash(run: string): Promise<RunRow | undefined>;
  /** Newest first; `total` counts without limit and offset. */
  listRuns(query: {
    readonly session?: string;
    readonly state?: readonly InboundState[];
    readonly limit: number;
    readonly offset?: number;
  }): Promise<{ readonly runs: readonly RunRow[]; readonly total: number }>;
  /** Terminal rows after the cursor, ordered by `(endedAt, inboundId)`. */
  endedSince(cursor: EndedCursor, limit: number): Promise<readonly (EndedCursor & { readonly run: string })[]>;
  /** The newest `limit` rows of the current conversation below `beforeSeq` (skipping `offset`), oldest first. */
  history(
    session: string,
    query: { readonly limit: number; readonly beforeSeq?: number; readonly offset?: number },
  ): Promise<{ readonly conversation?: string; readonly rows: readonly HistoryRow[]; readonly total: number }>;
  /** Rows accepted or signalled and not yet taken, oldest first. */
  pending(session: string): Promise<readonly RunRow[]>;
  listSessions(query: {
    readonly limit: number;
    readonly offset?: number;
    readonly search?: string;
  }): Promise<{ readonly sessions: readonly SessionRow[]; readonly total: number }>;
  /** Makes the session unless it exists; an existing one keeps its label when none is given. */
  createSession(key: string, label?: string): Promise<SessionRow>;
  timeline(run: string): Promise<RunTimeline>;
}

/**
 * What the gateway needs from the rest of the house, as small ports; `host/` composes them. Pure types.
 * Invariant: nothing here hands the gateway a secret but its own token, and snapshots come already redacted.
 */
import type { Door, Logger, MediaStore, RunEvents } from '../core/ports.js';
import type { InboundState, RunOutcome } from '../core/run.js';
import type { TranscriptRow } from '../core/transcript.js';
import type { Usage } from '../core/model.js';
import type { RunRing } from '../bus/ring.js';

/** Who holds the gateway's token, from whatever device: the owner. */
export const OWNER_PRINCIPAL = 'owner';

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
  readonly text?: string;
}

/** A queued message: accepted, not yet taken. */
export interface PendingRow extends RunRow {
  readonly text: string;
}

/** A transcript row; stores that can join cheaply add the run's public id. */
export type HistoryRow = TranscriptRow & { readonly runId?: string };

export interface SessionRow {
  readonly key: string;
  readonly agent: string;
  readonly label?: string;
  /** Id of the current conversation. */
  readonly conversation?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Run ids that are taken and not ended. */
  readonly activeRunIds: readonly string[];
  /** Runs accepted and not yet taken. */
  readonly queued: number;
  readonly lastRun?: { readonly runId: string; readonly state: InboundState; readonly error?: string };
  readonly usage?: Usage;
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
  readonly endedAt?: number;
  readonly state: 'open' | 'ok' | 'error' | 'aborted';
  /** A failure type, for `error`. */
  readonly code?: string;
  readonly usage?: Usage;
  readonly costUsd?: number;
}

/** One attempt of a tool call. */
export interface ToolAttempt {
  readonly step: number;
  readonly index: number;
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface RunTimeline {
  readonly attempts: readonly UsageAttempt[];
  /** Transcript rows of the run, by seq. */
  readonly rows: readonly TranscriptRow[];
  /** Absent where the store records none; times then come from the rows. */
  readonly tools?: readonly ToolAttempt[];
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
  endedSince(cursor: EndedCursor, limit: number): Promise<readonly RunRow[]>;
  /** The newest `limit` rows of the current conversation below `beforeSeq` (skipping `offset`), oldest first. */
  history(
    session: string,
    query: { readonly limit: number; readonly beforeSeq?: number; readonly offset?: number },
  ): Promise<{ readonly conversation?: string; readonly rows: readonly HistoryRow[]; readonly total: number }>;
  /** Rows accepted or signalled and not yet taken, oldest first. */
  pending(session: string): Promise<readonly PendingRow[]>;
  listSessions(query: {
    readonly limit: number;
    readonly offset?: number;
    readonly search?: string;
  }): Promise<{ readonly sessions: readonly SessionRow[]; readonly total: number }>;
  /** Makes the session unless it exists; an existing one keeps its label when none is given. */
  createSession(key: string, label?: string): Promise<SessionRow>;
  timeline(run: string): Promise<RunTimeline>;
}

/** What a client may do to a session beside sending to it. */
export interface SessionControl {
  /**
   * Stops the running turn (with `run`, a run hash: only that run, also when it waits).
   * Resolves when the stop is recorded or signalled.
   * @returns run ids the stop was sent for; empty when nothing ran
   */
  stop(session: string, target: { readonly run?: string }, principal: string): Promise<readonly string[]>;
}

export interface ModelInfo {
  /** The model's id at its provider. */
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly available: boolean;
  readonly unavailableReason?: 'missing-auth' | 'auth-failed' | 'cooldown';
  readonly contextWindow?: number;
  readonly reasoning?: boolean;
  readonly input?: readonly ('text' | 'image')[];
  readonly tags?: readonly string[];
}

export interface ModelsStatus {
  /** `provider/model` that answers by default. */
  readonly primary: string;
  readonly fallbacks: readonly string[];
  readonly contextTokens: number;
  /** False when only the offline provider is there. */
  readonly configured: boolean;
  readonly providers: readonly {
    readonly provider: string;
    readonly available: boolean;
    /** Where the key came from, e.g. `env ANTHROPIC_API_KEY`; never the key. */
    readonly source?: string;
    readonly problem?: string;
  }[];
}

export interface ModelTest {
  /** `provider/model`. */
  readonly ref: string;
  readonly ok: boolean;
  readonly latencyMs: number;
  /** A failure type. */
  readonly code?: string;
  readonly error?: string;
}

export interface Models {
  list(): Promise<readonly ModelInfo[]>;
  status(): Promise<ModelsStatus>;
  /** Calls the model for real. @param ref `provider/model`; the default one when absent */
  test(ref?: string): Promise<readonly ModelTest[]>;
}

export interface ConfigIssue {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** Secrets are `__OPENCLAW_REDACTED__` everywhere in it. */
export interface ConfigSnapshot {
  /** The file. */
  readonly path: string;
  readonly exists: boolean;
  readonly raw: string;
  /** As written, without defaults. */
  readonly parsed: unknown;
  /** With defaults and variables filled in: what the process runs with. */
  readonly config: unknown;
  readonly valid: boolean;
  /** Of the file's content: the base of the next write. */
  readonly hash: string;
  /** Hash of the content the process runs with. */
  readonly appliedHash: string;
  readonly issues: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
}

export interface ConfigChange {
  readonly snapshot: ConfigSnapshot;
  readonly changedPaths: readonly string[];
  /** What was changed takes effect with the next start only. */
  readonly restartRequired: boolean;
}

export interface ConfigControl {
  get(): ConfigSnapshot;
  /** Replaces the file. @throws CodedError INVALID_REQUEST (wrong base, invalid config) */
  set(raw: string, baseHash: string): Promise<ConfigChange>;
  /** Applies a JSON merge patch. @throws CodedError INVALID_REQUEST */
  patch(raw: string, baseHash: string): Promise<ConfigChange>;
  /** JSON schema of the file. */
  schema(): unknown;
}

export interface HealthReport {
  readonly ready: boolean;
  /** The process is still coming up: clients are told to retry in a moment. */
  readonly starting?: boolean;
  /** Names of what is not ready, e.g. `engine`. */
  readonly failing: readonly string[];
  /** Facts for `status` and `doctor`: no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly detail: string;
  readonly remedy?: string;
}

export interface GatewayTimings {
  /** Event `tick`; the reference client gives up after twice this. */
  readonly tickMs: number;
  /** From open socket to a complete `connect`. */
  readonly handshakeMs: number;
  /** WebSocket ping, and how long its pong may take. */
  readonly pingMs: number;
  /** How often ended rows are looked for; bounds how late an end is heard of without the bus. */
  readonly pollMs: number;
}

export interface GatewayDeps {
  readonly door: Door;
  readonly events: RunEvents;
  readonly ring: RunRing;
  readonly rows: RowStore;
  readonly sessions: SessionControl;
  readonly models: Models;
  readonly config: ConfigControl;
  readonly health: () => HealthReport;
  readonly doctor: (deep: boolean) => Promise<readonly Check[]>;
  readonly media: MediaStore;
  readonly token: string;
  readonly version: string;
  readonly stateDir: string;
  /** Host names (`name` or `name:port`) beside loopback ones; `gateway.allowedHosts`. */
  readonly allowedHosts: readonly string[];
  readonly log: Logger;
  /** The run's page in the Temporal Web UI. */
  readonly webUrl: (session: string, run?: string) => string | undefined;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly timings?: Partial<GatewayTimings>;
}

/**
 * The tables as Kysely sees them. JSON columns are text: one schema for SQLite and Postgres.
 * Times are epoch milliseconds by the writing process's clock.
 */
import type { InboundState } from '../core/run.js';
import type { QueueMode, Role } from '../core/queue.js';

export interface MetaTable {
  readonly name: string;
  readonly value: string;
}

/** One row per session; its `generation` fences every write of the session. */
export interface SessionsTable {
  readonly key: string;
  readonly agent: string;
  readonly conversation: string;
  readonly generation: number;
  /** `firstExecutionRunId` of the workflow chain that took `generation`; empty before the first. */
  readonly chain: string;
  readonly label: string | null;
  readonly channel: string;
  readonly created_at: number;
  readonly updated_at: number;
}

/** Every chain that ever took a generation, so that an old chain is known as old. */
export interface GenerationsTable {
  readonly session: string;
  readonly chain: string;
  readonly generation: number;
  readonly taken_at: number;
}

export interface InboundTable {
  /** Hash of the message key. */
  readonly id: string;
  readonly message_key: string;
  readonly run: string;
  readonly run_id: string;
  readonly session: string;
  readonly principal: string;
  readonly role: Role;
  readonly rights: string;
  readonly channel: string;
  readonly mode: QueueMode;
  readonly priority: number;
  readonly state: InboundState;
  /** Of message and request: tells a repeat from a reused key. */
  readonly payload_hash: string;
  /** JSON {@link InboundMessage}. */
  readonly message: string;
  /** JSON {@link TurnRequest}. */
  readonly request: string;
  /** JSON {@link RunOutcome}. */
  readonly outcome: string | null;
  readonly merged_into: string | null;
  readonly reason: string | null;
  readonly accepted_at: number;
  readonly signalled_at: number | null;
  readonly taken_at: number | null;
  readonly ended_at: number | null;
}

export interface RightsTable {
  readonly id: string;
  /** JSON: `{ tools: '*' | string[] }`. */
  readonly rights: string;
}

export interface TranscriptTable {
  readonly session: string;
  readonly seq: number;
  readonly conversation: string;
  readonly run: string;
  readonly step: number;
  readonly kind: string;
  readonly generation: number;
  /** JSON {@link RowContent}. */
  readonly content: string;
  readonly created_at: number;
}

/** What a stopped model call had said. */
export interface DraftsTable {
  readonly id: string;
  readonly session: string;
  readonly run: string;
  readonly step: number;
  readonly text: string;
  readonly created_at: number;
}

export interface ClaimsTable {
  /** `<run>:<step>.<index>`. */
  readonly key: string;
  readonly session: string;
  readonly generation: number;
  readonly state: 'begun' | 'done' | 'unknown';
  readonly owner_pid: number;
  readonly owner_start: string;
  readonly owner_boot: string;
  /** JSON: what the effect's own check needs (hashes of before and after). */
  readonly facts: string | null;
  /** JSON tool result. */
  readonly result: string | null;
  readonly begun_at: number;
  readonly ended_at: number | null;
}

/** One row per attempt of a model call, also of failed ones. */
export interface UsageTable {
  readonly id: string;
  readonly session: string;
  readonly run: string;
  readonly step: number;
  readonly attempt: number;
  readonly provider: string;
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly cost_usd: number | null;
  /** `ok`, `aborted`, or the failure's type. */
  readonly outcome: string;
  readonly started_at: number;
  readonly ended_at: number;
}

/** One row per attempt of a tool call: for the timeline only. */
export interface ToolAttemptsTable {
  readonly id: string;
  readonly session: string;
  readonly run: string;
  readonly step: number;
  readonly call_index: number;
  readonly attempt: number;
  readonly tool: string;
  readonly outcome: string;
  readonly started_at: number;
  readonly ended_at: number;
}

export interface MediaTable {
  readonly hash: string;
  readonly mime: string;
  readonly size: number;
  readonly created_at: number;
}

export interface Tables {
  readonly meta: MetaTable;
  readonly sessions: SessionsTable;
  readonly generations: GenerationsTable;
  readonly inbound: InboundTable;
  readonly rights: RightsTable;
  readonly transcript: TranscriptTable;
  readonly drafts: DraftsTable;
  readonly claims: ClaimsTable;
  readonly usage: UsageTable;
  readonly tool_attempts: ToolAttemptsTable;
  readonly media: MediaTable;
}

/**
 * The tables as Kysely sees them. JSON columns are text: one schema for SQLite and Postgres.
 * Times are epoch milliseconds by the writing process's clock.
 */
import type { ApprovalDecision, ApprovalState } from '../core/approval.js';
import type { BudgetScope, QuestionState } from '../core/budget.js';
import type { InboundState } from '../core/run.js';
import type { QueueMode, Role } from '../core/queue.js';
import type { Generated } from 'kysely';
import type {
  ContactsTable, IdentitiesTable, AliasesTable, LinkCodesTable, PairingTable, RoutesTable, OverheardTable, SessionSettingsTable, DeliveriesTable, DeliveryPartsTable, TranscriptsTable,
} from './channel-tables.js';

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
  /** Rows up to this seq are erased, or being erased; no seq is given twice. */
  readonly floor: number | null;
  /** Of messages and deliveries before this time, what has no row above the floor is being erased; null when that is done. */
  readonly erase_before: number | null;
  /** Nothing is left of it: the row fences its old chains, and the next message brings it back. */
  readonly deleted_at: number | null;
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
  /** JSON {@link QueueRules}. */
  readonly rules: string | null;
  /** JSON {@link RunOutcome}. */
  readonly outcome: string | null;
  readonly merged_into: string | null;
  readonly reason: string | null;
  readonly accepted_at: number;
  readonly signalled_at: number | null;
  readonly taken_at: number | null;
  readonly ended_at: number | null;
  /** Its text is gone with its conversation; what is left keeps a repeat of it from being answered. */
  readonly erased_at: number | null;
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
  /** When it was put last. */
  readonly created_at: number;
  /** When a row last named it. */
  readonly used_at: number | null;
}

/** Which rows name a content. */
export interface MediaUsesTable {
  /** The row: see `media-uses.ts`. */
  readonly source: string;
  readonly hash: string;
}

/** Rows that can be searched; the index of their words has the same ids. */
export interface SearchRowsTable {
  readonly id: Generated<number>;
  readonly session: string;
  readonly seq: number;
}

/** Questions whether a call may run. A row without a run was asked by a client. */
export interface ApprovalsTable {
  readonly id: string;
  /** `<run>:<step>.<index>`. */
  readonly call_key: string | null;
  readonly agent: string;
  readonly session: string | null;
  readonly run: string | null;
  readonly run_id: string | null;
  readonly step: number | null;
  readonly call_index: number | null;
  readonly call_seq: number | null;
  /** JSON {@link ApprovalRequest}. */
  readonly request: string;
  readonly state: ApprovalState;
  readonly decision: ApprovalDecision | null;
  readonly decided_by: string | null;
  readonly reason: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly decided_at: number | null;
  /** The turn went on without it: the decision starts a follow-on run. */
  readonly handed_on_at: number | null;
  /** The engine has the decision's signal. */
  readonly signalled_at: number | null;
  /** The call has its result. */
  readonly settled_at: number | null;
  readonly updated_at: number;
}

/** What `allow-always` allowed: one request, exactly as it was shown. */
export interface GrantsTable {
  readonly id: string;
  readonly agent: string;
  readonly request_hash: string;
  /** JSON {@link ApprovalRequest}. */
  readonly request: string;
  readonly approval: string;
  readonly granted_by: string;
  readonly created_at: number;
}

/** One line per budget scope's key: what was spent, what running attempts hold, and how far the owner raised its limit. */
export interface LedgerTable {
  /** {@link budgetKey}. */
  readonly line: string;
  readonly tokens: number;
  readonly usd: number;
  readonly held_tokens: number;
  readonly held_usd: number;
  readonly extra_tokens: number;
  readonly extra_usd: number;
  readonly updated_at: number;
}

/** What one attempt of a model call holds of its lines, at its estimate, until it is settled. */
export interface ReservationsTable {
  readonly id: string;
  readonly session: string;
  readonly run: string;
  readonly step: number;
  readonly attempt: number;
  readonly agent: string;
  /** `YYYY-MM-DD` of the owner. */
  readonly day: string;
  readonly provider: string;
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly usd: number;
  /** `lost`: its process vanished; it counts at its estimate. */
  readonly state: 'held' | 'lost';
  readonly owner_pid: number;
  readonly owner_start: string;
  readonly owner_boot: string;
  readonly reserved_at: number;
  readonly settled_at: number | null;
}

/** One question to the owner per line that reached its limit. */
export interface BudgetQuestionsTable {
  readonly id: string;
  readonly line: string;
  readonly scope: BudgetScope;
  readonly unit: 'tokens' | 'usd';
  readonly limit_value: number;
  readonly spent_value: number;
  /** What the call that did not fit needs at least; absent in questions of 0.2.0. */
  readonly needed_value: number | null;
  readonly state: QuestionState;
  readonly answered_by: string | null;
  readonly created_at: number;
  readonly answered_at: number | null;
  readonly updated_at: number;
}

/** Runs that wait for a question's answer, and those that `once` let pass. */
export interface BudgetWaitsTable {
  readonly question: string;
  readonly run: string;
  readonly run_id: string;
  readonly session: string;
  readonly since: number;
  /** The run went on, or ended. */
  readonly until: number | null;
}

/** What the owner must be told, once per key. */
export interface NoticesTable {
  readonly key: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
  readonly hint: string | null;
  readonly times: number;
  readonly first_at: number;
  readonly last_at: number;
  readonly resolved_at: number | null;
}

export interface Tables {
  readonly transcripts: TranscriptsTable;
  readonly contacts: ContactsTable;
  readonly identities: IdentitiesTable;
  readonly aliases: AliasesTable;
  readonly link_codes: LinkCodesTable;
  readonly pairing: PairingTable;
  readonly routes: RoutesTable;
  readonly overheard: OverheardTable;
  readonly session_settings: SessionSettingsTable;
  readonly deliveries: DeliveriesTable;
  readonly delivery_parts: DeliveryPartsTable;
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
  readonly media_uses: MediaUsesTable;
  readonly search_rows: SearchRowsTable;
  readonly approvals: ApprovalsTable;
  readonly grants: GrantsTable;
  readonly ledger: LedgerTable;
  readonly reservations: ReservationsTable;
  readonly budget_questions: BudgetQuestionsTable;
  readonly budget_waits: BudgetWaitsTable;
  readonly notices: NoticesTable;
}

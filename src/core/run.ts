/**
 * A run and its session: states, outcome, and the workflow's own state as it is carried on. Pure.
 * These shapes are in Temporal histories: inputs carry a version and gain only optional fields.
 * No field holds message text, tool arguments or secrets: rows do, by id.
 */
import type { BudgetScope } from './budget.js';
import type { DropReason, InboxItem } from './queue.js';
import type { ToolPolicy } from './tool.js';

/** States of an `inbound` row (DESIGN §3). The last five are terminal. */
export type InboundState = 'accepted' | 'held' | 'signalled' | 'taken' | 'ok' | 'error' | 'aborted' | 'merged' | 'dropped';
export const TERMINAL_STATES: readonly InboundState[] = ['ok', 'error', 'aborted', 'merged', 'dropped'];
export const isTerminal = (state: InboundState): boolean => TERMINAL_STATES.includes(state);

/** How a run ended. */
export interface RunOutcome {
  readonly state: 'ok' | 'error' | 'aborted';
  /** Seq of the row that holds the answer, the error or the seal. */
  readonly seq?: number;
  /** A {@link FailureType} for `error`; `stopped`, `interrupted` for `aborted`. */
  readonly code?: string;
  /** For `aborted`: the run that replaced this one. */
  readonly by?: string;
}

/** One call of a batch, as data: a batch survives continue-as-new at any wait. */
export interface BatchCall {
  readonly index: number;
  readonly tool: string;
  readonly policy: ToolPolicy;
  readonly needsApproval: boolean;
  /** Where its result row goes. */
  readonly seq: number;
  readonly status: 'pending' | 'awaiting approval' | 'done';
  /** Id of the approval that was asked for. */
  readonly approval?: string;
}

/** A call whose approval came after its turn had gone on: it runs first, its result is what the run says. */
export interface FollowOn {
  readonly approval: string;
  /** Hash of the run that asked. */
  readonly run: string;
  readonly step: number;
  readonly index: number;
  readonly callSeq: number;
  readonly tool: string;
  readonly policy: ToolPolicy;
  /** Where the result enters, as the run's first row. */
  readonly seq: number;
}

/** The turn waits for the owner's word on a budget. */
export interface BudgetPause {
  readonly question: string;
  readonly scope: BudgetScope;
  /** Epoch milliseconds: when the limit ends by itself (a new day, a new month), or when to look again. */
  readonly until?: number;
  /** Nobody is asked: model calls of other runs hold what is left, and will give it back. */
  readonly held?: true;
}

export interface TurnState {
  readonly item: InboxItem;
  /** Model call number within the run, from 1. */
  readonly step: number;
  /** Seq reserved for this step's model answer. */
  readonly seq: number;
  readonly batch?: readonly BatchCall[];
  /** Seq of the answer row that holds the batch's calls. */
  readonly callSeq?: number;
  /** The run already has its last row (found after a crash): only its end is missing. */
  readonly ended?: RunOutcome;
  /** Index into `models`. */
  readonly model: number;
  /** `provider/model`, primary first. */
  readonly models: readonly string[];
  readonly maxSteps: number;
  /** Epoch milliseconds; absent when the run has no time limit. */
  readonly deadline?: number;
  readonly startedAt: number;
  readonly inGroup: boolean;
  readonly tokens: number;
  readonly costUsd: number;
  /** Nobody sits beside it (heartbeat, cron, subagent): it never waits for an approval inside the turn. */
  readonly background?: boolean;
  readonly followOn?: FollowOn;
  readonly paused?: BudgetPause;
  /** Messages with recordings that are to become text before the model is asked. */
  readonly hear?: readonly string[];
  /** Batches in a row that a newer message has cut, and whether this one was. */
  readonly skips?: number;
  readonly cut?: boolean;
}

export interface SessionInput {
  readonly v: 1;
  readonly session: string;
  readonly agent: string;
  /** Present after a continue-as-new. */
  readonly carried?: SessionCarry;
}

export interface SessionCarry {
  readonly opened: SessionOpened;
  readonly nextSeq: number;
  readonly inbox: readonly InboxItem[];
  readonly turn?: TurnState;
  /** Why the running turn is being ended. */
  readonly stopping?: Stopping;
  /** Items that were stopped while they waited and whose rows are still open. */
  readonly stopped: readonly InboxItem[];
  /** Runs a stop arrived for before their item did. */
  readonly stops: readonly string[];
  /** Open approvals of turns that went on: the session stays for their decisions. */
  readonly handedOn?: readonly string[];
  /** Answers that arrived and were not yet acted on. */
  readonly decided?: readonly string[];
  /** Messages that enter the running turn before its next model call. */
  readonly steering?: readonly InboxItem[];
  /** Left out by a full queue or a reset, their rows still open. */
  readonly dropping?: readonly Dropped[];
}

export interface Dropped {
  readonly item: InboxItem;
  readonly reason: DropReason;
}

export interface Stopping {
  readonly code: 'stopped' | 'interrupted' | 'RunTimeout' | 'reset';
  /** The run that takes its place. */
  readonly by?: string;
  readonly reason: string;
}

/** Result of the session workflow. */
export interface SessionEnd {
  readonly ended: string;
  /** Highest seq of its transcript. */
  readonly rows: number;
}

/** `decided`: a person answered an approval or a budget's question. The row has the answer. */
export type DecidedSignal = { readonly approval: string } | { readonly question: string };

export interface SessionOpened {
  readonly generation: number;
  readonly conversation: string;
  readonly hostQueue: string;
  readonly idleMs: number;
}

/** `stop`: ends these runs, whether they run, wait, or are yet to arrive; `by` names the principal. */
export interface StopSignal {
  readonly runs: readonly string[];
  readonly by: string;
}

/** Answer of the `view` query: what doctor, page and tests may know of a live session. */
export interface SessionView {
  readonly session: string;
  readonly state: SessionShown;
  readonly generation: number;
  readonly nextSeq: number;
  readonly waiting: readonly string[];
  /** Every run it has in mind: waiting, being taken or ended, running. */
  readonly holds?: readonly string[];
  readonly turn?: { readonly run: string; readonly step: number; readonly tools: readonly string[] };
  /** Ids of approvals, or of a budget's question, it waits for. */
  readonly asks?: readonly string[];
}

/** What the search attribute says of a session. */
export type SessionShown = 'idle' | 'running' | 'waiting-approval' | 'waiting-budget';

/**
 * Everything the session workflow and its activities say to each other, and the workflow's own state. Pure.
 * These shapes are in Temporal histories: inputs carry a version and gain only optional fields.
 * No field holds message text, tool arguments or secrets: rows do, by id.
 */
import type { StopReason, Usage } from './model.js';
import type { InboxItem } from './queue.js';
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
}

export interface Stopping {
  readonly code: 'stopped' | 'interrupted' | 'RunTimeout';
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
  readonly state: 'idle' | 'running';
  readonly generation: number;
  readonly nextSeq: number;
  readonly waiting: readonly string[];
  readonly turn?: { readonly run: string; readonly step: number; readonly tools: readonly string[] };
}

// --- activities -----------------------------------------------------------------------------------------------

/** Identity every write carries and checks. */
export interface Fence {
  readonly session: string;
  readonly generation: number;
  readonly conversation: string;
}

export interface OpenSessionInput {
  readonly session: string;
  readonly agent: string;
  /** `firstExecutionRunId`: the same for a whole continue-as-new chain. */
  readonly chain: string;
}
export interface OpenSessionResult extends SessionOpened {
  readonly nextSeq: number;
  /** Runs that an earlier chain had begun: they go on before anything else. */
  readonly begun: readonly InboxItem[];
  /** Other unfinished rows of this session, oldest first. */
  readonly unfinished: readonly InboxItem[];
}

export interface TakeRunInput extends Fence {
  readonly inboundId: string;
  readonly run: string;
  /** Where the user row goes, unless the run already has rows. */
  readonly seq: number;
}
/** `finished`: its row already has an outcome; nothing is to be done. */
export type TakeRunResult =
  | { readonly status: 'finished' }
  | { readonly status: 'taken'; readonly turn: Omit<TurnState, 'item'>; readonly nextSeq: number };

export interface CallModelInput extends Fence {
  readonly inboundId: string;
  readonly run: string;
  readonly step: number;
  readonly seq: number;
  /** `provider/model`. */
  readonly model: string;
  /** How often this step's call was scheduled before: Temporal counts attempts from 1 each time. */
  readonly nth?: number;
  /** Another model waits behind this one: long waits are not worth it. */
  readonly hasFallback?: boolean;
  /** Models of this step that failed before this one: readers drop what those streamed. */
  readonly failedOver?: { readonly from: string; readonly code: string };
}
export interface CallFacts {
  readonly index: number;
  readonly tool: string;
  readonly policy: ToolPolicy;
  readonly needsApproval: boolean;
}
export type CallModelResult =
  | {
      readonly kind: 'answer';
      readonly seq: number;
      readonly stop: StopReason;
      readonly provider: string;
      readonly model: string;
      readonly usage: Usage;
      readonly costUsd?: number;
      readonly calls: readonly CallFacts[];
    }
  /** Stopped by the workflow's cancellation; `draft` is the id of the text so far, when there was any. */
  | { readonly kind: 'aborted'; readonly draft?: string };

export interface RunToolInput extends Fence {
  readonly inboundId: string;
  readonly run: string;
  readonly step: number;
  readonly index: number;
  /** Seq of the answer row that holds the arguments. */
  readonly callSeq: number;
  /** Where the result row goes. */
  readonly seq: number;
  /** Rights set the turn runs with. */
  readonly rights: string;
}
export interface RunToolResult {
  readonly seq: number;
  readonly outcome: 'ok' | 'error' | 'aborted' | 'unknown';
  readonly durationMs: number;
  /** Bytes of output before capping. */
  readonly bytes: number;
}

/** Ends a run in its row: one transaction writes what is still missing and the outcome. `sealTurn` and `finishRun` take it. */
export interface EndRunInput extends Fence {
  readonly inboundId: string;
  readonly run: string;
  readonly step: number;
  readonly outcome: RunOutcome;
  /** The last row, when the run has no answer: where it goes and what it says. */
  readonly last?:
    | { readonly kind: 'aborted'; readonly seq: number; readonly reason: string; readonly draft?: string }
    | { readonly kind: 'error'; readonly seq: number; readonly code: string; readonly message: string };
  /** Calls of the open batch that have no result row yet, and the row that holds them. */
  readonly open?: { readonly callSeq: number; readonly calls: readonly { readonly index: number; readonly seq: number }[]; readonly note: string };
}

export interface EndRunResult {
  /** As recorded: an answer that was stored just before a stop makes the run `ok`. */
  readonly outcome: RunOutcome;
  readonly nextSeq: number;
}

/** What the model reads for a call that a stop kept from starting. */
export const SKIPPED_BY_STOP = 'skipped: interrupted';
/** … and for a command that had begun and was ended with the turn. */
export const ENDED_BY_STOP = 'interrupted: the command had begun and was ended; check what it did before repeating it';

/** Answers one call whose activity gave up for good. */
export interface AnswerCallInput extends Fence {
  readonly run: string;
  readonly step: number;
  readonly index: number;
  readonly callSeq: number;
  readonly seq: number;
  readonly code: string;
  readonly message: string;
}

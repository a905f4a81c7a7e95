/**
 * Everything the session workflow and its activities say to each other, and the workflow's own state. Pure.
 * These shapes are in Temporal histories: inputs carry a version and gain only optional fields.
 * No field holds message text, tool arguments or secrets: rows do, by id.
 */
import type { ApprovalState } from './approval.js';
import type { BudgetScope } from './budget.js';
import type { StopReason, Usage } from './model.js';
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
  /** Open approvals of turns that went on. */
  readonly handedOn?: readonly string[];
}

export interface TakeRunInput extends Fence {
  readonly inboundId: string;
  readonly run: string;
  /** Where the user row goes, unless the run already has rows. */
  readonly seq: number;
  /** Collected with it: their texts follow as rows of this run, their own runs are merged into it. */
  readonly with?: readonly { readonly inboundId: string; readonly run: string }[];
}
/** `finished`: its row already has an outcome; nothing is to be done. */
export type TakeRunResult =
  | { readonly status: 'finished' }
  | {
      readonly status: 'taken';
      readonly turn: Omit<TurnState, 'item'>;
      readonly nextSeq: number;
      /** The conversation was reset by itself before the run began. */
      readonly conversation?: string;
    };

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
  | { readonly kind: 'aborted'; readonly draft?: string }
  /** A budget's limit is reached: nothing was asked of the model, the owner is asked. */
  | ({ readonly kind: 'over budget' } & BudgetPause)
  /** … and the owner said stop. */
  | { readonly kind: 'budget stopped'; readonly message: string };

export interface RunToolInput extends Fence {
  readonly inboundId: string;
  readonly run: string;
  readonly step: number;
  readonly index: number;
  /** Seq of the answer row that holds the arguments. */
  readonly callSeq: number;
  /** Where the result row goes. */
  readonly seq: number;
  /** How often this call was scheduled before: Temporal counts attempts from 1 each time. */
  readonly nth?: number;
  /** The call was allowed by this approval. */
  readonly approval?: string;
  /** The result enters this run as its first row, instead of answering the call in its own. */
  readonly enters?: { readonly run: string };
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
  /** Key of the command of a follow-on that was cut, and where its result goes. */
  readonly command?: string;
  readonly commandSeq?: number;
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
  /** As in {@link RunToolInput}. */
  readonly enters?: { readonly run: string };
}

/** Asks the owner about one call; repeating it finds the same question. */
export interface RequestApprovalInput extends Fence {
  readonly inboundId: string;
  readonly run: string;
  readonly step: number;
  readonly index: number;
  readonly callSeq: number;
}
/** `not needed`: a rule or a grant covers it by now. */
export type RequestApprovalResult =
  | { readonly state: 'not needed' }
  | { readonly state: ApprovalState; readonly id: string };

/** Answers a call "waiting for approval" and lets the turn go on; the later decision starts a follow-on run. */
export interface HandOnInput extends Fence {
  readonly approval: string;
  readonly run: string;
  readonly step: number;
  readonly index: number;
  readonly callSeq: number;
  readonly seq: number;
}
export interface HandOnResult {
  /** Anything but `open`: it was decided in the meantime, and nothing was written. */
  readonly state: ApprovalState;
}

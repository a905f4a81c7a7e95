/**
 * What the session workflow asks of its activities, and what they answer. Pure shapes; they are in Temporal histories:
 * inputs gain only optional fields. No field holds message text, tool arguments or secrets: rows do, by id.
 */
import type { ApprovalState } from './approval.js';
import type { StopReason, Usage } from './model.js';
import type { InboxItem } from './queue.js';
import type { BudgetPause, RunOutcome, SessionOpened, TurnState } from './run.js';
import type { ToolPolicy } from './tool.js';

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

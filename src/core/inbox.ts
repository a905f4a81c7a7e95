/**
 * What the session workflow asks of its inbox: steering, skipping, dropping, a new conversation. Pure shapes; they are in
 * Temporal histories: only optional fields are ever added.
 */
import type { DropReason } from './queue.js';
import type { Fence } from './steps.js';

/** What the model reads for a call that a newer message kept from starting. */
export const SKIPPED_BY_MESSAGE = 'skipped: a new message came in';
/** Batches in a row that steering may cut; the next one runs whole. */
export const SKIPPED_BATCHES = 2;

export interface InboxRef {
  readonly inboundId: string;
  /** Hash of the run id. */
  readonly run: string;
}

/** Lets messages enter a running turn as user rows; their runs are merged into it. One transaction. */
export interface SteerRunInput extends Fence {
  readonly run: string;
  /** The step whose model call reads them. */
  readonly step: number;
  /** Where the first goes. */
  readonly seq: number;
  readonly items: readonly InboxRef[];
}
export interface SteerRunResult {
  readonly nextSeq: number;
  /** Those with recordings that are to become text. */
  readonly hear?: readonly string[];
}

/** Answers calls of a batch that have not begun. */
export interface SkipCallsInput extends Fence {
  readonly run: string;
  readonly step: number;
  readonly callSeq: number;
  readonly calls: readonly { readonly index: number; readonly seq: number }[];
}

/** Ends runs that a full queue or a reset left out. */
export interface DropRunsInput extends Fence {
  readonly items: readonly (InboxRef & { readonly reason: DropReason })[];
}

/** Begins a new conversation; open approvals of the old one are cancelled. */
export interface ResetSessionInput extends Fence, InboxRef {
  /** First free seq. */
  readonly seq: number;
}
export interface ResetSessionResult {
  readonly conversation: string;
  readonly nextSeq: number;
  /** The order came with a message: it is the first of the new conversation. */
  readonly goesOn: boolean;
}

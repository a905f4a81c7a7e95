/**
 * Approvals: a call that waits for a person's word. Pure.
 * Invariant: a decision is made once; the row has it, the workflow acts on it.
 */

export type ApprovalDecision = 'allow-once' | 'allow-always' | 'deny';
export const APPROVAL_DECISIONS: readonly ApprovalDecision[] = ['allow-once', 'allow-always', 'deny'];

export const DECIDED_WORDS: Readonly<Record<ApprovalDecision, string>> = { 'allow-once': 'allowed once', 'allow-always': 'allowed always', deny: 'denied' };

/** `cancelled`: its run ended, or the session was reset. `expired`: a client's own time limit passed. */
export type ApprovalState = 'open' | 'allowed' | 'denied' | 'cancelled' | 'expired';

/** What is asked, exactly as it will run. Never in a signal or a summary. */
export interface ApprovalRequest {
  readonly tool: string;
  readonly command: string;
  /** Absolute, real path. */
  readonly cwd?: string;
  /** Variables set for this command alone. */
  readonly env?: Readonly<Record<string, string>>;
  /** It goes on after its call: no time limit, and `process` writes to it. */
  readonly background?: true;
  /** Why it is asked: what no rule covers. */
  readonly why?: string;
}

export interface Approval {
  readonly id: string;
  readonly state: ApprovalState;
  readonly request: ApprovalRequest;
  readonly agent: string;
  /** Absent when a client asked. */
  readonly call?: { readonly session: string; readonly run: string; readonly runId: string; readonly step: number; readonly index: number; readonly callSeq: number };
  readonly decision?: ApprovalDecision;
  readonly decidedBy?: string;
  readonly reason?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly decidedAt?: number;
  /** The turn went on without it; the decision starts a follow-on run. */
  readonly handedOnAt?: number;
  readonly settledAt?: number;
  readonly updatedAt: number;
}

export interface Grant {
  readonly id: string;
  readonly agent: string;
  readonly request: ApprovalRequest;
  readonly approval: string;
  readonly grantedBy: string;
  readonly createdAt: number;
}

/** What the model reads for a call the turn did not wait for. */
export const waitingText = (id: string): string =>
  `waiting for approval ${id}: the owner has not answered yet. The call has not run. When it is decided, its result comes as a message of its own; do not ask for it again.`;

/**
 * What the CLI reads of the gateway's answers. Optional wherever the gateway (or the peer's, on the same wire) may
 * leave it out: the CLI shows what there is.
 */
import type { ChannelInfo } from './channel-view.js';

export interface TokenUsage {
  readonly totalTokens?: number;
  readonly cost?: { readonly total?: number };
}

export interface RunSummary {
  readonly runId: string;
  readonly sessionKey: string;
  readonly state: string;
  readonly status?: string;
  readonly acceptedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly waitedMs?: number;
  readonly durationMs?: number | null;
  readonly provider?: string | null;
  readonly model?: string | null;
  readonly usage?: TokenUsage;
  readonly text?: string;
  /** What was asked, shortened. */
  readonly preview?: string;
  readonly error?: string;
  readonly code?: string;
  readonly mergedInto?: string;
  /** In a list, the word alone. */
  readonly waitsFor?: 'approval' | 'budget';
  readonly waitsForApproval?: readonly { readonly id: string; readonly command: string }[];
  readonly waitsForBudget?: { readonly id: string; readonly scope: string; readonly unit: string; readonly limit: number; readonly spent: number; readonly needs?: number };
  readonly queuedBehind?: QueuedBehind;
  /** What became of the answer on its way to a messenger. */
  readonly delivery?: { readonly id: string; readonly channel: string; readonly account: string; readonly state: string; readonly reason?: string };
  /** As the Web UI names the run. */
  readonly hash?: string;
  readonly webUrl?: string;
}

export interface RunAttempt {
  readonly attempt: number;
  readonly provider: string;
  readonly model: string;
  readonly state: string;
  readonly startedAt: number;
  readonly durationMs?: number;
  readonly code?: string;
  readonly usage?: TokenUsage;
}

export interface RunTool {
  readonly index: number;
  readonly tool: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly state: string;
  readonly endedAt?: number;
  readonly durationMs?: number;
  /** More than one: it was taken up again after a crash or a failure. */
  readonly attempts?: number;
}

export interface RunStep {
  readonly step: number;
  readonly attempts: readonly RunAttempt[];
  readonly text?: string;
  readonly answeredAt?: number;
  readonly tools: readonly RunTool[];
  readonly notes?: readonly { readonly kind: string; readonly code?: string; readonly message?: string; readonly at: number }[];
}

/** Answer of `runs.get`. */
export interface RunAnswer {
  readonly run: RunSummary;
  readonly steps: readonly RunStep[];
  readonly totals?: { readonly modelCalls?: number; readonly retries?: number; readonly toolCalls?: number; readonly usage?: TokenUsage; readonly costUsd?: number };
}

/** A run goes first, and waits for that itself. */
export interface QueuedBehind {
  readonly runId: string;
  readonly waitingFor?: 'approval' | 'budget';
  readonly approvals?: readonly string[];
  readonly budgetQuestion?: string;
}

/** Final answer of `agent`. */
export interface AgentAnswer {
  readonly runId: string;
  readonly sessionKey?: string;
  readonly status: string;
  readonly summary?: string;
  readonly result?: {
    readonly payloads?: readonly { readonly text?: string | null }[];
    readonly meta?: Readonly<Record<string, unknown>>;
  };
}

/** Answer of `agent.wait`. */
export interface WaitAnswer {
  readonly runId: string;
  readonly status: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly error?: string;
  readonly code?: string;
  readonly stopReason?: string;
  readonly terminalReply?: { readonly disposition?: string; readonly text?: string };
  /** Whose word the run waits for, while it has not ended. */
  readonly waitingFor?: 'approval' | 'budget';
  readonly approvals?: readonly string[];
  readonly budgetQuestion?: string;
  /** It has not begun. */
  readonly queuedBehind?: QueuedBehind;
}

/** Entry of `exec.approval.list`, and what `exec.approval.requested` tells. */
export interface ApprovalEntry {
  readonly id: string;
  readonly request: {
    readonly command: string;
    readonly cwd?: string | null;
    readonly env?: Readonly<Record<string, string>>;
    readonly why?: string;
    readonly background?: boolean;
    readonly tool?: string;
    readonly agentId?: string;
    readonly sessionKey?: string | null;
    readonly runId?: string | null;
    readonly allowedDecisions?: readonly string[];
  };
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
}

/** Answer of `exec.approval.get`, entry of `approvals.list`. */
export interface ApprovalInfo extends ApprovalEntry {
  readonly status: string;
  readonly decision?: string;
  readonly decidedBy?: string;
  readonly reason?: string;
  readonly resolvedAtMs?: number;
  /** Its run went on without it; the decision starts a run of its own. */
  readonly handedOn?: boolean;
  readonly followOnRunId?: string;
}

/** Answer of `approvals.list`. */
export interface ApprovalsAnswer {
  readonly approvals: readonly ApprovalInfo[];
  readonly totalCount?: number;
  readonly nextOffset?: number | null;
}

/** Answer of `exec.approval.resolve` and `approvals.deny`. */
export interface ApprovalAnswer {
  readonly ok: boolean;
  readonly id: string;
  /** What holds. */
  readonly decision: string;
  readonly followOnRunId?: string;
  /** It was decided before, as the following say. */
  readonly repeated?: boolean;
  readonly decidedBy?: string | null;
  readonly resolvedAtMs?: number | null;
  readonly reason?: string;
  /** Allowed once before; from now on always. */
  readonly grant?: GrantInfo;
}

export interface GrantInfo {
  readonly id: string;
  readonly agentId?: string;
  readonly command: string;
  readonly cwd?: string | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly approval?: string;
  readonly grantedBy?: string;
  readonly createdAtMs: number;
}

export interface SessionSummary {
  readonly key: string;
  readonly status?: string;
  readonly updatedAt?: number | null;
  readonly totalTokens?: number;
  readonly model?: string | null;
  readonly modelProvider?: string | null;
  readonly lastMessagePreview?: string;
}

export interface EngineFacts {
  readonly up?: boolean;
  readonly address?: string;
  readonly namespace?: string;
  readonly uiUrl?: string;
  readonly embedded?: boolean;
  readonly problem?: string;
}

export interface BudgetSum {
  readonly tokens: number;
  readonly usd: number;
}

export interface BudgetQuestionInfo {
  readonly id: string;
  readonly line: string;
  readonly scope: string;
  readonly unit: string;
  readonly limit: number;
  readonly spent: number;
  readonly needs?: number;
  readonly state: string;
  readonly createdAt: number;
  readonly waiting: readonly { readonly run?: string; readonly runId: string; readonly session: string; readonly since: number }[];
}

/** Answer of `budgets.list`. */
export interface BudgetsAnswer {
  readonly day: string;
  readonly timezone: string;
  readonly lines: readonly { readonly line: string; readonly scope: string; readonly of: string; readonly run?: { readonly runId: string; readonly session: string; readonly ended?: boolean }; readonly limit: Partial<BudgetSum>; readonly raised: BudgetSum; readonly spent: BudgetSum; readonly held: BudgetSum }[];
  readonly questions: readonly BudgetQuestionInfo[];
}

export interface UsageTotals {
  readonly totalTokens: number;
  readonly totalCost: number;
  readonly missingCostEntries?: number;
}

/** Answer of `usage.summary`. */
export interface UsageAnswer {
  readonly timezone: string;
  readonly days: number;
  readonly today: UsageTotals;
  readonly month: UsageTotals;
  readonly totals: UsageTotals;
  readonly models: readonly { readonly provider: string; readonly model: string; readonly count: number; readonly totals: UsageTotals }[];
  readonly sessions: readonly { readonly key: string; readonly count: number; readonly totals: UsageTotals }[];
}

/** What the owner must be told. */
export interface NoticeInfo {
  readonly key: string;
  readonly level: 'error' | 'warn' | 'info';
  readonly text: string;
  readonly hint?: string;
  readonly times: number;
  readonly lastAt: number;
}

/** Answer of `status`. */
export interface StatusAnswer {
  readonly notices?: readonly NoticeInfo[];
  readonly channels?: readonly ChannelInfo[];
  readonly sessions?: { readonly count?: number; readonly recent?: readonly SessionSummary[] };
  readonly models?: { readonly primary?: string; readonly fallbacks?: readonly string[]; readonly configured?: boolean };
  /** Those that wait for a person are among the running ones. */
  readonly runs?: { readonly running?: number; readonly queued?: number; readonly failed?: number; readonly waitForApproval?: number; readonly waitForBudget?: number };
  readonly budgets?: { readonly spent?: BudgetSum; readonly limit?: Partial<BudgetSum>; readonly questions?: readonly { readonly id: string; readonly scope: string }[] };
  readonly approvals?: { readonly open: number; readonly oldestAtMs?: number; readonly ids?: readonly string[] };
  readonly pairing?: { readonly waiting: number; readonly held?: number; readonly oldestAtMs?: number };
  readonly gateway?: {
    readonly uptimeMs?: number;
    readonly ready?: boolean;
    readonly failing?: readonly string[];
    readonly details?: { readonly engine?: EngineFacts };
  };
}

/** One check of `doctor.checks`. */
export interface GatewayCheck {
  readonly id: string;
  readonly title: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly detail: string;
  readonly remedy?: string;
}

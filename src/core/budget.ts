/**
 * Budget scopes and their keys. Pure. The ledger itself lives in `storage/`; a reservation touches every scope at once.
 */

export type BudgetScope = 'run' | 'session' | 'agent' | 'day' | 'month';
export const BUDGET_SCOPES: readonly BudgetScope[] = ['run', 'session', 'agent', 'day', 'month'];

export interface BudgetLimit {
  /** Input plus output tokens. */
  readonly tokens?: number;
  readonly usd?: number;
}

export interface BudgetAmount {
  readonly tokens: number;
  readonly usd: number;
}

/** `lifted`: the limit no longer holds (the config was changed, or a new day began). */
export type QuestionState = 'open' | 'raised' | 'once' | 'stopped' | 'lifted';

/** `raise`: the line's limit grows; `once`: the waiting runs may pass it; `stop`: they end. */
export type BudgetAnswer = 'raise' | 'once' | 'stop';
export const STATE_OF_ANSWER: Readonly<Record<BudgetAnswer, QuestionState>> = { raise: 'raised', once: 'once', stop: 'stopped' };

/** A line reached its limit; the owner is asked once for all runs that wait. */
export interface BudgetQuestion {
  readonly id: string;
  readonly line: string;
  readonly scope: BudgetScope;
  readonly unit: 'tokens' | 'usd';
  /** Limit and spending in `unit` when it was asked. */
  readonly limit: number;
  readonly spent: number;
  /** What the call that did not fit takes at least, in `unit`. */
  readonly needs?: number;
  readonly state: QuestionState;
  readonly answeredBy?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly answeredAt?: number;
  readonly updatedAt: number;
  /** Runs that wait for the answer. */
  readonly waiting: readonly { readonly run: string; readonly runId: string; readonly session: string; readonly since: number }[];
}

export type BudgetLimits = Readonly<Partial<Record<BudgetScope, BudgetLimit>>>;

/** Which ledger line a scope means for one attempt. `day` and `month` are calendar spans of the owner's time zone. */
export function budgetKey(
  scope: BudgetScope,
  at: { readonly run: string; readonly session: string; readonly agent: string; readonly day: string },
): string {
  switch (scope) {
    case 'run':
      return `run:${at.run}`;
    case 'session':
      return `session:${at.session}`;
    case 'agent':
      return `agent:${at.agent}`;
    case 'day':
      return `day:${at.day}`;
    case 'month':
      return `month:${at.day.slice(0, 7)}`;
  }
}

/** One line as people see it. */
export interface BudgetLine {
  readonly line: string;
  readonly scope: BudgetScope;
  /** What the scope is of: a day, a session's key, … */
  readonly of: string;
  /** Of a run's line: as people know it. */
  readonly run?: { readonly runId: string; readonly session: string; readonly ended: boolean };
  /** As configured and raised; absent: none. */
  readonly limit: BudgetLimit;
  readonly raised: BudgetAmount;
  readonly spent: BudgetAmount;
  /** By running attempts, at their most. */
  readonly held: BudgetAmount;
}

export interface BudgetOverview {
  /** The ledger's day. */
  readonly day: string;
  readonly timezone: string;
  readonly limits: BudgetLimits;
  readonly lines: readonly BudgetLine[];
  /** Open ones, oldest first. */
  readonly questions: readonly BudgetQuestion[];
}

/** Shows spending and budgets. Pure text. */
import { ago, amount, columns, money, oneLine, paint } from './terminal.js';
import type { BudgetQuestionInfo, BudgetsAnswer, StatusAnswer, UsageAnswer, UsageTotals } from './wire.js';

/** An amount in a budget's unit. */
export const budgetAmount = (unit: string, value: number): string => (unit === 'usd' ? money(value) : `${amount(value)} tokens`);

const spentOf = (spent: { readonly tokens: number; readonly usd: number }, limit: { readonly tokens?: number; readonly usd?: number }): string =>
  [`${amount(spent.tokens)}${limit.tokens === undefined ? '' : ` of ${amount(limit.tokens)}`} tokens`, `${money(spent.usd)}${limit.usd === undefined ? '' : ` of ${money(limit.usd)}`}`].join(', ');

/** One line for `status`. */
export function budgetLine({ spent, limit = {}, questions = [] }: NonNullable<StatusAnswer['budgets']>): string {
  const today = `today ${spentOf(spent ?? { tokens: 0, usd: 0 }, limit)}`;
  if (questions.length === 0) return today;
  return `${today}; ${paint('yellow', `${questions.length} ${questions.length === 1 ? 'waits' : 'wait'} for your answer (openclaw budgets list)`)}`;
}

export function showBudgets({ lines, questions, timezone }: BudgetsAnswer): string {
  const rows = lines.map((line) => [
    line.scope === 'run' ? `run ${line.of.slice(0, 12)}` : `${line.scope} ${oneLine(line.of, 48)}`,
    amount(line.spent.tokens), line.limit.tokens === undefined ? '-' : amount(line.limit.tokens),
    money(line.spent.usd), line.limit.usd === undefined ? '-' : money(line.limit.usd),
    line.held.tokens > 0 ? amount(line.held.tokens) : '-',
    line.raised.tokens > 0 || line.raised.usd > 0 ? `raised by ${[line.raised.tokens > 0 ? `${amount(line.raised.tokens)} tokens` : '', line.raised.usd > 0 ? money(line.raised.usd) : ''].filter((part) => part !== '').join(' and ')}` : '',
  ]);
  const table = columns([['BUDGET', 'TOKENS', 'LIMIT', 'COST', 'LIMIT', 'HELD', ''], ...rows]);
  return [table, questions.length === 0 ? 'No questions are open.' : questions.map(showQuestion).join('\n\n'), paint('dim', `Days and months of ${timezone}.`)].join('\n\n');
}

export function showQuestion(question: BudgetQuestionInfo): string {
  const { id, scope, unit, spent, limit, waiting, createdAt } = question;
  const runs = waiting.map((run) => `  ${run.runId}  ${oneLine(run.session, 48)}  since ${ago(run.since)}`);
  return [
    `${paint('yellow', id)}  the budget of this ${scope} is used up: ${budgetAmount(unit, spent)} of ${budgetAmount(unit, limit)} spent, and the next call does not fit (asked ${ago(createdAt)})`,
    ...runs,
    `  openclaw budgets answer ${id} raise|once|stop`,
  ].join('\n');
}

export function showUsage(usage: UsageAnswer, budgets: BudgetsAnswer): string {
  const line = (name: string, totals: UsageTotals, count?: number): readonly string[] => [
    name, amount(totals.totalTokens), money(totals.totalCost), count === undefined ? '' : String(count), (totals.missingCostEntries ?? 0) > 0 ? paint('dim', `${totals.missingCostEntries} without a price`) : '',
  ];
  const span = usage.days === 1 ? 'today' : `last ${usage.days} days`;
  const parts = [columns([['', 'TOKENS', 'COST', '', ''], line('Today', usage.today), line('This month', usage.month), ...(usage.days === 1 ? [] : [line(`Last ${usage.days} days`, usage.totals)])])];
  if (usage.models.length > 0) parts.push(columns([[`MODEL (${span})`, 'TOKENS', 'COST', 'CALLS', ''], ...usage.models.map((one) => line(`${one.provider}/${one.model}`, one.totals, one.count))]));
  if (usage.sessions.length > 0) parts.push(columns([[`SESSION (${span})`, 'TOKENS', 'COST', 'CALLS', ''], ...usage.sessions.map((one) => line(oneLine(one.key, 48), one.totals, one.count))]));
  return [...parts, showBudgets(budgets)].join('\n\n');
}

/** Shows spending and budgets. Pure text. */
import { budgetWays } from './hints.js';
import { ago, amount, columns, money, oneLine, paint } from './terminal.js';
import type { BudgetQuestionInfo, BudgetsAnswer, StatusAnswer, UsageAnswer, UsageTotals } from './wire.js';

interface Room {
  readonly unit: string;
  readonly limit: number;
  readonly spent: number;
  readonly needs?: number;
}

/** Why the next call does not fit. */
export function noRoom({ unit, limit, spent, needs }: Room): string {
  const next = needs === undefined ? `the next call needs more than the ${budgetAmount(unit, Math.max(0, limit - spent))} that are left` : `the next call needs ${budgetAmount(unit, needs)} or more`;
  return `limit ${budgetAmount(unit, limit)}, spent ${budgetAmount(unit, spent)}, ${next}`;
}

/** An amount in a budget's unit. */
export const budgetAmount = (unit: string, value: number): string => (unit === 'usd' ? money(value) : `${amount(value)} tokens`);

const spentOf = (spent: { readonly tokens: number; readonly usd: number }, limit: { readonly tokens?: number; readonly usd?: number }): string =>
  [`${amount(spent.tokens)}${limit.tokens === undefined ? '' : ` of ${amount(limit.tokens)}`} tokens`, `${money(spent.usd)}${limit.usd === undefined ? '' : ` of ${money(limit.usd)}`}`].join(', ');

/** One line for `status`. */
export function budgetLine({ spent, limit = {}, questions = [] }: NonNullable<StatusAnswer['budgets']>): string {
  const today = `today ${spentOf(spent ?? { tokens: 0, usd: 0 }, limit)}`;
  if (questions.length === 0) return today;
  return `${today}; ${paint('yellow', `${questions.length} ${questions.length === 1 ? 'waits' : 'wait'} for your answer: openclaw budgets list`)}`;
}

export function showBudgets({ lines, questions, timezone }: BudgetsAnswer): string {
  const rows = lines.map((line) => [
    nameOf(line),
    amount(line.spent.tokens), line.limit.tokens === undefined ? '-' : amount(line.limit.tokens),
    money(line.spent.usd), line.limit.usd === undefined ? '-' : money(line.limit.usd),
    line.held.tokens > 0 ? amount(line.held.tokens) : '-',
    [...waitsOf(line, questions), line.raised.tokens > 0 || line.raised.usd > 0 ? `raised by ${[line.raised.tokens > 0 ? `${amount(line.raised.tokens)} tokens` : '', line.raised.usd > 0 ? money(line.raised.usd) : ''].filter((part) => part !== '').join(' and ')}` : '', line.run?.ended === true ? 'ended' : ''].filter((part) => part !== '').join(', '),
  ]);
  const table = columns([['BUDGET', 'TOKENS', 'LIMIT', 'COST', 'LIMIT', 'HELD', ''], ...rows]);
  return [table, questions.length === 0 ? 'No questions are open.' : questions.map(showQuestion).join('\n\n'), paint('dim', `Days and months of ${timezone}.`)].join('\n\n');
}

type Line = BudgetsAnswer['lines'][number];

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
const shortRun = (runId: string): string => (UUID.test(runId) ? runId.slice(0, 8) : oneLine(runId, 24));

function nameOf({ scope, of, run }: Line): string {
  if (scope !== 'run') return `${scope} ${oneLine(of, 48)}`;
  return run === undefined ? `run ${of.slice(0, 12)}` : `run ${shortRun(run.runId)} in ${oneLine(run.session, 40)}`;
}

/** The questions that runs of a line wait for; of a day, month and agent only its own. */
function waitsOf({ scope, of, line }: Line, questions: readonly BudgetQuestionInfo[]): readonly string[] {
  return questions.flatMap((question) => {
    const waiting = question.waiting.filter(({ run, session }) => question.line === line || (scope === 'run' && run === of) || (scope === 'session' && session === of));
    if (waiting.length === 0) return [];
    return [paint('yellow', `${scope === 'run' ? 'waits' : waiting.length === 1 ? '1 run waits' : `${waiting.length} runs wait`} for ${question.id}`)];
  });
}

export function showQuestion(question: BudgetQuestionInfo): string {
  const { id, scope, waiting, createdAt } = question;
  const runs = waiting.map((run) => `  waits: ${oneLine(run.runId, 64)} in ${oneLine(run.session, 48)}, since ${ago(run.since)}`);
  return [
    `${paint('yellow', id)}  the budget of this ${scope} has no room: ${noRoom(question)} (asked ${ago(createdAt)})`,
    ...runs,
    columns(budgetWays(id).map((way) => [`  ${way.what}:`, way.command])),
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

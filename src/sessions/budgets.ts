/**
 * The owner's word on budgets, and what is known of spending. An answer is one committed row; signals come after it and
 * may be repeated by anyone. Invariant: a question is answered once, and every run that waited for it hears of it.
 */
import { type BudgetAmount, type BudgetAnswer, type BudgetQuestion, STATE_OF_ANSWER, budgetKey } from '../core/budget.js';
import { CodedError, invalidRequest, messageOf } from '../core/errors.js';
import { RPC_CHANNEL } from '../core/names.js';
import type { Logger, RunEvents } from '../core/ports.js';
import { answerQuestion, liftQuestion, openQuestions, questionById, raiseLine, unheardAnswers } from '../storage/budget-questions.js';
import { inboundByRun } from '../storage/inbound.js';
import { type Budgets, currentDay, loseDead, pruneLost } from '../storage/ledger.js';
import type { Db } from '../storage/sqlite.js';
import type { SessionEngine } from './engine.js';
import { requireSessionKey } from './keys.js';

export interface BudgetControl {
  /**
   * Answers a question for every run that waits for it. The same answer again changes nothing; another amount is another answer.
   * @param by how much `raise` adds; the configured limit when absent
   * @throws CodedError INVALID_REQUEST for an unknown id and for one that was answered otherwise
   */
  answer(id: string, answer: BudgetAnswer, by: Partial<BudgetAmount>, principal: string): Promise<BudgetQuestion>;
  /** Closes what no longer holds, signals what was not heard, counts what vanished: for the sweeper and for a changed config. */
  sweep(): Promise<void>;
}

export interface BudgetDeps {
  readonly db: Db;
  readonly engine: SessionEngine;
  readonly events: RunEvents;
  readonly log: Logger;
  budgets(): Budgets;
}

/** A signal takes milliseconds; what is older than this was lost with a process. */
const LOST_AFTER_MS = 5_000;

export function createBudgetControl(deps: BudgetDeps): BudgetControl {
  const { db, log } = deps;

  return {
    async answer(id, answer, by, principal) {
      const before = await questionById(db, id);
      if (!before) throw invalidRequest(`there is no budget question ${id}; \`openclaw budgets list\` shows those that are open`, { code: 'UNKNOWN_QUESTION', id });
      const limit = deps.budgets().limits[before.scope] ?? {};
      const more = answer === 'raise' ? raiseOf(before, limit, by) : {};
      const answered = await db.transaction().execute(async (tx) => {
        const isNew = await answerQuestion(tx, id, answer, principal);
        if (isNew && answer === 'raise') await raiseLine(tx, before.line, limit, more);
        return isNew;
      });
      const question = (await questionById(db, id)) ?? before;
      // Another amount is another answer: it raised nothing.
      const isSame = question.state === STATE_OF_ANSWER[answer] && by.tokens === undefined && by.usd === undefined;
      if (!answered && !isSame) throw new CodedError('INVALID_REQUEST', closedText(question), leftToDo(question), { code: 'ALREADY_ANSWERED', id, state: question.state });
      if (answered) await tell(question);
      return question;
    },

    async sweep() {
      const lost = await loseDead(db);
      if (lost > 0) log.warn({ lost }, 'model calls of processes that are gone count at their estimate');
      await pruneLost(db);
      await lift();
      for (const question of await unheardAnswers(db, Date.now() - LOST_AFTER_MS)) await tell(question);
    },
  };

  /** Every run that waits hears of it; those that could not be reached are signalled again by the sweeper. */
  async function tell(question: BudgetQuestion): Promise<void> {
    for (const { run, runId, session } of question.waiting) {
      deps.events.publish({ type: 'budget', question: question.id, session, run, runId, step: 0, attempt: 1, at: Date.now() });
      try {
        const channel = (await inboundByRun(db, run))?.channel ?? RPC_CHANNEL;
        await deps.engine.decided({ session, agent: requireSessionKey(session).agent, channel }, { question: question.id });
      } catch (error) {
        log.warn({ question: question.id, session, error: messageOf(error) }, 'engine away: the answer is kept and signalled again');
      }
    }
  }

  /** Spending never goes down by itself: only a higher limit, none, or another day makes room. */
  async function lift(): Promise<void> {
    const open = await openQuestions(db);
    if (open.length === 0) return;
    const { limits, timezone } = deps.budgets();
    const day = await currentDay(db, timezone);
    for (const question of open) {
      const limit = limits[question.scope]?.[question.unit];
      const past = (question.scope === 'day' || question.scope === 'month') && question.line !== budgetKey(question.scope, { run: '', session: '', agent: '', day });
      const row = await db.selectFrom('ledger').select(['extra_tokens', 'extra_usd']).where('line', '=', question.line).executeTakeFirst();
      const extra = Number((question.unit === 'tokens' ? row?.extra_tokens : row?.extra_usd) ?? 0);
      if (!past && limit !== undefined && limit + extra <= question.limit) continue;
      if (await db.transaction().execute((tx) => liftQuestion(tx, question.id))) await tell(question);
    }
  }
}

function raiseOf(question: BudgetQuestion, limit: Partial<BudgetAmount>, by: Partial<BudgetAmount>): Partial<BudgetAmount> {
  // The limit is gone from the config: there is nothing to raise, and the runs go on.
  if (limit[question.unit] === undefined) return {};
  const more = by.tokens === undefined && by.usd === undefined ? { [question.unit]: limit[question.unit] } : by;
  if (!((more[question.unit] ?? 0) > 0)) {
    throw invalidRequest(`say by how much ${question.unit === 'usd' ? 'dollars' : 'tokens'} the limit grows (--${question.unit}): the question is about ${question.unit}`);
  }
  return more;
}

function closedText(question: BudgetQuestion): string {
  const by = question.answeredBy === undefined ? '' : ` by ${question.answeredBy}`;
  const when = question.answeredAt === undefined ? '' : ` at ${new Date(question.answeredAt).toISOString()}`;
  return `budget question ${question.id} is already ${question.state}${by}${when}`;
}

/** What a person who wanted it otherwise can still do. */
function leftToDo({ state, scope, unit }: BudgetQuestion): string {
  switch (state) {
    case 'stopped':
      return `Its runs ended. Send the message again and you are asked anew; the limit is budgets.${scope}.${unit} in the config.`;
    case 'raised':
    case 'once':
      return 'Its runs went on. See them: openclaw runs list --state running';
    case 'lifted':
    case 'open':
      return 'See what is open now: openclaw budgets list';
  }
}

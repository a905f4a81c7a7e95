/**
 * Questions to the owner about budgets, and the runs that wait for their answers.
 * Invariants: a line has at most one open question; a question is answered once; a run that ended or went on waits for
 * none; a question that nobody waits for any more is closed.
 */
import { randomBytes } from 'node:crypto';
import { type BudgetAnswer, type BudgetAmount, type BudgetLimit, type BudgetQuestion, STATE_OF_ANSWER } from '../core/budget.js';
import { shortId } from '../core/short-id.js';
import type { Selectable } from 'kysely';
import type { Fit } from '../core/budget-fit.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';
import type { BudgetQuestionsTable } from './tables.js';

export interface WaitingRun {
  readonly run: string;
  readonly runId: string;
  readonly session: string;
}

/** Puts the question about a line unless it is open, and registers the run. @returns its id */
export async function ask(tx: Tx, { line, unit, needs }: Extract<Fit, { readonly kind: 'over' }>, run: WaitingRun, now: number): Promise<string> {
  const open = await tx.selectFrom('budget_questions').select('id').where('line', '=', line.line).where('state', '=', 'open').executeTakeFirst();
  const id = open?.id ?? shortId('bq', randomBytes(8));
  if (!open) {
    await tx
      .insertInto('budget_questions')
      .values({
        id, line: line.line, scope: line.scope, unit, limit_value: line.limit[unit] ?? 0, spent_value: line.spent[unit], needed_value: needs, state: 'open',
        answered_by: null, created_at: now, answered_at: null, updated_at: now,
      })
      .execute();
  }
  await tx
    .insertInto('budget_waits')
    .values({ question: id, run: run.run, run_id: run.runId, session: run.session, since: now, until: null })
    .onConflict((c) => c.columns(['question', 'run']).doUpdateSet({ until: null }))
    .execute();
  await leaveWaits(tx, run.run, now, id);
  return id;
}

/** The run waits no longer, except for `but`. Questions that lost their last waiting run are closed. @returns those it left */
export async function leaveWaits(tx: Tx, run: string, now: number, but = ''): Promise<readonly string[]> {
  const left = await tx.updateTable('budget_waits').set({ until: now }).where('run', '=', run).where('until', 'is', null).where('question', '<>', but).returning('question').execute();
  if (left.length > 0) await closeForsaken(tx, left.map((row) => row.question), now);
  return left.map((row) => row.question);
}

async function closeForsaken(tx: Tx, questions: readonly string[], now: number): Promise<void> {
  await tx
    .updateTable('budget_questions')
    .set({ state: 'lifted', answered_at: now, updated_at: now })
    .where('id', 'in', questions)
    .where('state', '=', 'open')
    .where((e) => e.not(e.exists(e.selectFrom('budget_waits').select('run').whereRef('budget_waits.question', '=', 'budget_questions.id').where('until', 'is', null))))
    .execute();
}

const needsOf = ({ needed_value }: { readonly needed_value: number | null }): { readonly needs?: number } => (needed_value === null ? {} : { needs: Number(needed_value) });

export interface RunAnswer extends Pick<BudgetQuestion, 'id' | 'line' | 'scope' | 'unit' | 'limit' | 'spent' | 'needs' | 'state'> {
  /** It still waits for this one. */
  readonly waiting: boolean;
}

/** Every question this run waited for, with what became of it while it waited. */
export async function answersFor(db: Db | Tx, run: string): Promise<readonly RunAnswer[]> {
  const rows = await db
    .selectFrom('budget_waits')
    .innerJoin('budget_questions', 'budget_questions.id', 'budget_waits.question')
    .select(['id', 'line', 'scope', 'unit', 'limit_value', 'spent_value', 'needed_value', 'state', 'until'])
    .where('run', '=', run)
    // A run that had gone on before the answer is not meant by it.
    .where((e) => e.or([e('until', 'is', null), e('until', '>=', e.ref('answered_at'))]))
    .execute();
  return rows.map((row) => ({ id: row.id, line: row.line, scope: row.scope, unit: row.unit, limit: Number(row.limit_value), spent: Number(row.spent_value), ...needsOf(row), state: row.state, waiting: row.until === null }));
}

/** Answers an open question. @returns whether this call did: a second answer changes nothing */
export async function answerQuestion(tx: Tx, id: string, answer: BudgetAnswer, by: string): Promise<boolean> {
  const now = Date.now();
  const { numUpdatedRows } = await tx
    .updateTable('budget_questions')
    .set({ state: STATE_OF_ANSWER[answer], answered_by: by, answered_at: now, updated_at: now })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/**
 * Gives a line that much more, counted from its limit, or from what was spent when that is more: a raise always makes room.
 * @param limit as configured
 */
export async function raiseLine(tx: Tx, line: string, limit: BudgetLimit, by: Partial<BudgetAmount>): Promise<void> {
  const row = await tx.selectFrom('ledger').selectAll().where('line', '=', line).executeTakeFirst();
  const extra = (unit: 'tokens' | 'usd', spent: number, had: number): number => {
    const [more, base] = [by[unit], limit[unit]];
    return more === undefined || base === undefined ? had : Math.max(base + had, spent) + more - base;
  };
  const extras = { extra_tokens: extra('tokens', Number(row?.tokens ?? 0), Number(row?.extra_tokens ?? 0)), extra_usd: extra('usd', Number(row?.usd ?? 0), Number(row?.extra_usd ?? 0)), updated_at: Date.now() };
  await tx
    .insertInto('ledger')
    .values({ line, tokens: 0, usd: 0, held_tokens: 0, held_usd: 0, ...extras })
    .onConflict((c) => c.column('line').doUpdateSet(extras))
    .execute();
}

/** Closes an open question whose limit no longer holds. @returns whether it was open */
export async function liftQuestion(tx: Tx, id: string): Promise<boolean> {
  const now = Date.now();
  const { numUpdatedRows } = await tx.updateTable('budget_questions').set({ state: 'lifted', answered_at: now, updated_at: now }).where('id', '=', id).where('state', '=', 'open').executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function questionById(db: Db | Tx, id: string): Promise<BudgetQuestion | undefined> {
  const row = await db.selectFrom('budget_questions').selectAll().where('id', '=', id).executeTakeFirst();
  return row && (await withWaits(db, [row]))[0];
}

/** Oldest first. */
export async function openQuestions(db: Db | Tx): Promise<BudgetQuestion[]> {
  return withWaits(db, await db.selectFrom('budget_questions').selectAll().where('state', '=', 'open').orderBy('created_at').orderBy('id').execute());
}

/** Answered, and runs that waited have not been heard of since: signalled again by the sweeper. */
export async function unheardAnswers(db: Db, before: number): Promise<BudgetQuestion[]> {
  const rows = await db
    .selectFrom('budget_questions')
    .selectAll()
    .where('state', '<>', 'open')
    .where('answered_at', '<', before)
    .where((e) => e('id', 'in', e.selectFrom('budget_waits').select('question').where('until', 'is', null)))
    .execute();
  return withWaits(db, rows);
}

/** What a run waits for now. */
export async function questionOfRun(db: Db, run: string): Promise<BudgetQuestion | undefined> {
  const row = await db
    .selectFrom('budget_questions')
    .selectAll()
    .where('state', '=', 'open')
    .where((e) => e('id', 'in', e.selectFrom('budget_waits').select('question').where('run', '=', run).where('until', 'is', null)))
    .executeTakeFirst();
  return row && (await withWaits(db, [row]))[0];
}

async function withWaits(db: Db | Tx, rows: readonly Selectable<BudgetQuestionsTable>[]): Promise<BudgetQuestion[]> {
  if (rows.length === 0) return [];
  const waits = await db.selectFrom('budget_waits').selectAll().where('question', 'in', rows.map((row) => row.id)).where('until', 'is', null).orderBy('since').execute();
  return rows.map((row) => ({
    id: row.id, line: row.line, scope: row.scope, unit: row.unit, limit: Number(row.limit_value), spent: Number(row.spent_value), ...needsOf(row), state: row.state,
    ...(row.answered_by === null ? {} : { answeredBy: row.answered_by }),
    createdAt: Number(row.created_at), ...(row.answered_at === null ? {} : { answeredAt: Number(row.answered_at) }), updatedAt: Number(row.updated_at),
    waiting: waits.filter((wait) => wait.question === row.id).map((wait) => ({ run: wait.run, runId: wait.run_id, session: wait.session, since: Number(wait.since) })),
  }));
}

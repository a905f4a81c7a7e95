/**
 * What each attempt cost: one row per attempt of a model call and of a tool call, also of failed ones. Written once per
 * attempt; a repeated write of the same attempt changes nothing.
 */
import type { Usage } from '../core/model.js';
import type { ToolAttempt } from '../core/rows.js';
import type { Insertable } from 'kysely';
import type { Db } from './sqlite.js';
import type { UsageTable } from './tables.js';
import type { Tx } from './fence.js';

export interface ModelAttempt {
  readonly session: string;
  readonly run: string;
  readonly step: number;
  readonly attempt: number;
  readonly provider: string;
  readonly model: string;
  readonly usage: Usage;
  readonly costUsd?: number;
  /** `ok`, `aborted`, or a failure type. */
  readonly outcome: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Temporal counts attempts from 1 for each workflow chain and each time an activity is scheduled: generation and start time tell them apart. */
export interface ByChain {
  readonly generation: number;
}

/** Names one attempt for good: its usage row, and its reservation of budgets. */
export const attemptId = (a: Pick<ModelAttempt, 'run' | 'step' | 'provider' | 'model' | 'attempt' | 'startedAt'> & ByChain): string =>
  `${a.run}:${a.step}:${a.provider}/${a.model}:${a.generation}.${a.attempt}@${a.startedAt}`;

/** Outcome of an attempt whose process vanished: its usage is an estimate, until it is heard of after all. */
export const LOST = 'lost';

export async function recordModelAttempt(db: Db | Tx, a: ModelAttempt & ByChain): Promise<void> {
  const row = rowOf(attemptId(a), a);
  await db.insertInto('usage').values(row).onConflict((c) => c.column('id').doUpdateSet(row).where('usage.outcome', '=', LOST)).execute();
}

/** @param id of its reservation */
export async function recordLostAttempt(tx: Tx, id: string, a: Omit<ModelAttempt, 'outcome'>): Promise<void> {
  await tx.insertInto('usage').values(rowOf(id, { ...a, outcome: LOST })).onConflict((c) => c.column('id').doNothing()).execute();
}

const rowOf = (id: string, a: ModelAttempt): Insertable<UsageTable> => ({
  id, session: a.session, run: a.run, step: a.step, attempt: a.attempt, provider: a.provider, model: a.model,
  input: a.usage.input, output: a.usage.output, cache_read: a.usage.cacheRead, cache_write: a.usage.cacheWrite, cost_usd: a.costUsd ?? null,
  outcome: a.outcome, started_at: a.startedAt, ended_at: a.endedAt,
});

export async function recordToolAttempt(db: Db | Tx, a: ToolAttempt & ByChain): Promise<void> {
  await db
    .insertInto('tool_attempts')
    .values({
      id: `${a.run}:${a.step}.${a.index}:${a.generation}.${a.attempt}@${a.startedAt}`,
      session: a.session,
      run: a.run,
      step: a.step,
      call_index: a.index,
      attempt: a.attempt,
      tool: a.tool,
      outcome: a.outcome,
      started_at: a.startedAt,
      ended_at: a.endedAt,
    })
    .onConflict((c) => c.column('id').doNothing())
    .execute();
}

export async function modelAttempts(db: Db, run: string): Promise<ModelAttempt[]> {
  const rows = await db.selectFrom('usage').selectAll().where('run', '=', run).orderBy('started_at').execute();
  return rows.map((r) => ({
    session: r.session,
    run: r.run,
    step: Number(r.step),
    attempt: Number(r.attempt),
    provider: r.provider,
    model: r.model,
    usage: { input: Number(r.input), output: Number(r.output), cacheRead: Number(r.cache_read), cacheWrite: Number(r.cache_write) },
    ...(r.cost_usd === null ? {} : { costUsd: Number(r.cost_usd) }),
    outcome: r.outcome,
    startedAt: Number(r.started_at),
    endedAt: Number(r.ended_at),
  }));
}

export async function toolAttempts(db: Db, run: string): Promise<ToolAttempt[]> {
  const rows = await db.selectFrom('tool_attempts').selectAll().where('run', '=', run).orderBy('started_at').execute();
  return rows.map((r) => ({
    session: r.session,
    run: r.run,
    step: Number(r.step),
    index: Number(r.call_index),
    attempt: Number(r.attempt),
    tool: r.tool,
    outcome: r.outcome,
    startedAt: Number(r.started_at),
    endedAt: Number(r.ended_at),
  }));
}

/** Tokens and cost of runs, summed over their attempts. */
export async function usageOfRuns(db: Db, runs: readonly string[]): Promise<ReadonlyMap<string, { readonly usage: Usage; readonly costUsd: number; readonly steps: number; readonly model?: string }>> {
  if (runs.length === 0) return new Map();
  const rows = await db
    .selectFrom('usage')
    .select((e) => [
      'run',
      e.fn.sum('input').as('input'),
      e.fn.sum('output').as('output'),
      e.fn.sum('cache_read').as('cache_read'),
      e.fn.sum('cache_write').as('cache_write'),
      e.fn.sum('cost_usd').as('cost'),
      e.fn.max('step').as('steps'),
    ])
    .where('run', 'in', runs)
    .groupBy('run')
    .execute();
  const asked = await db.selectFrom('usage').select(['run', 'provider', 'model']).where('run', 'in', runs).orderBy('started_at').execute();
  // The last one of each run stays.
  const newest = new Map(asked.map((r) => [r.run, `${r.provider}/${r.model}`]));
  return new Map(
    rows.map((r) => [
      r.run,
      {
        usage: { input: Number(r.input ?? 0), output: Number(r.output ?? 0), cacheRead: Number(r.cache_read ?? 0), cacheWrite: Number(r.cache_write ?? 0) },
        costUsd: Number(r.cost ?? 0),
        steps: Number(r.steps ?? 0),
        ...(newest.has(r.run) ? { model: newest.get(r.run)! } : {}),
      },
    ]),
  );
}

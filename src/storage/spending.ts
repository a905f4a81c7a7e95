/**
 * What was spent, for people: lines of the ledger, and sums over usage rows. Reads only; each question is a few
 * statements over an index.
 */
import { sql } from 'kysely';
import { BUDGET_SCOPES, type BudgetLimit, type BudgetLine, type BudgetOverview, budgetKey } from '../core/budget.js';
import type { Usage } from '../core/model.js';
import { DEFAULT_AGENT } from '../core/names.js';
import { openQuestions, questionOfRun } from './budget-questions.js';
import { type Budgets, currentDay } from './ledger.js';
import type { Db } from './sqlite.js';
import type { LedgerTable } from './tables.js';

/** Usage of one model in a quarter of an hour: days of every zone are made of them. */
export interface UsageSum {
  readonly at: number;
  readonly provider: string;
  readonly model: string;
  readonly usage: Usage;
  readonly costUsd: number;
  readonly attempts: number;
  /** Attempts that used something and have no price. */
  readonly unpriced: number;
}

export interface SessionSum extends Omit<UsageSum, 'at' | 'provider' | 'model'> {
  readonly session: string;
}

export interface SpendingReader {
  /** Of the owner. */
  timezone(): string;
  overview(): Promise<BudgetOverview>;
  /** Of attempts that began within. */
  sums(from: number, to: number): Promise<readonly UsageSum[]>;
  /** The sessions that used most. */
  topSessions(from: number, to: number, limit: number): Promise<readonly SessionSum[]>;
  /** The question a run (its hash) waits for. */
  waitOf(run: string): ReturnType<typeof questionOfRun>;
}

/** Sessions and runs are many: those that spent last are shown. */
const RECENT_LINES = 20;
const BUCKET_MS = 900_000;
const RUN_LINE = 'run:';

export function createSpendingReader(db: Db, budgets: () => Budgets): SpendingReader {
  return {
    timezone: () => budgets().timezone,

    async overview() {
      const { limits, timezone } = budgets();
      const day = await currentDay(db, timezone);
      const fixed = (['agent', 'day', 'month'] as const).map((scope) => budgetKey(scope, { run: '', session: '', agent: DEFAULT_AGENT, day }));
      const rows = await db.selectFrom('ledger').selectAll().where('line', 'in', fixed).execute();
      for (const scope of ['session', 'run'] as const) {
        if (limits[scope] === undefined) continue;
        // A range of the key: `;` follows `:`.
        rows.push(...(await db.selectFrom('ledger').selectAll().where('line', '>=', `${scope}:`).where('line', '<', `${scope};`).orderBy('updated_at', 'desc').limit(RECENT_LINES).execute()));
      }
      const empty = fixed.filter((line) => !rows.some((row) => row.line === line)).map((line) => ({ line, tokens: 0, usd: 0, held_tokens: 0, held_usd: 0, extra_tokens: 0, extra_usd: 0, updated_at: 0 }));
      const order = (line: BudgetLine): number => BUDGET_SCOPES.toReversed().indexOf(line.scope);
      const runs = await runsOf(db, rows);
      const lines = [...rows, ...empty].map((row) => lineOf(row, limits, runs)).toSorted((a, b) => order(a) - order(b));
      return { day, timezone, limits, lines, questions: await openQuestions(db) };
    },

    async sums(from, to) {
      const bucket = sql<number>`started_at / ${sql.lit(BUCKET_MS)}`;
      const rows = await db.selectFrom('usage').select([bucket.as('bucket'), 'provider', 'model', ...SUMS]).where('started_at', '>=', from).where('started_at', '<', to).groupBy([bucket, 'provider', 'model']).orderBy('bucket').execute();
      return rows.map((row) => ({ at: Number(row.bucket) * BUCKET_MS, provider: row.provider, model: row.model, ...sumOf(row) }));
    },

    async topSessions(from, to, limit) {
      const rows = await db.selectFrom('usage').select(['session', ...SUMS]).where('started_at', '>=', from).where('started_at', '<', to).groupBy('session').orderBy(sql`sum(input + output + cache_read + cache_write)`, 'desc').limit(limit).execute();
      return rows.map((row) => ({ session: row.session, ...sumOf(row) }));
    },

    waitOf: (run) => questionOfRun(db, run),
  };
}

const SUMS = [
  sql<number>`sum(input)`.as('input'), sql<number>`sum(output)`.as('output'), sql<number>`sum(cache_read)`.as('cache_read'), sql<number>`sum(cache_write)`.as('cache_write'),
  sql<number | null>`sum(cost_usd)`.as('cost'), sql<number>`count(*)`.as('attempts'),
  sql<number>`sum(case when cost_usd is null and input + output + cache_read + cache_write > 0 then 1 else 0 end)`.as('unpriced'),
] as const;

interface SumRow {
  readonly input: number;
  readonly output: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly cost: number | null;
  readonly attempts: number;
  readonly unpriced: number;
}

const sumOf = (row: SumRow) => ({
  usage: { input: Number(row.input), output: Number(row.output), cacheRead: Number(row.cache_read), cacheWrite: Number(row.cache_write) },
  costUsd: Number(row.cost ?? 0), attempts: Number(row.attempts), unpriced: Number(row.unpriced),
});

/** Runs that have a line, by their line. */
async function runsOf(db: Db, rows: readonly LedgerTable[]): Promise<ReadonlyMap<string, NonNullable<BudgetLine['run']>>> {
  const hashes = rows.flatMap(({ line }) => (line.startsWith(RUN_LINE) ? [line.slice(RUN_LINE.length)] : []));
  if (hashes.length === 0) return new Map();
  const found = await db.selectFrom('inbound').select(['run', 'run_id', 'session', 'ended_at']).where('run', 'in', hashes).execute();
  return new Map(found.map((row) => [RUN_LINE + row.run, { runId: row.run_id, session: row.session, ended: row.ended_at !== null }]));
}

function lineOf(row: LedgerTable, limits: Budgets['limits'], runs: ReadonlyMap<string, NonNullable<BudgetLine['run']>>): BudgetLine {
  const at = row.line.indexOf(':');
  const scope = BUDGET_SCOPES.find((one) => one === row.line.slice(0, at)) ?? 'run';
  const run = runs.get(row.line);
  const raised = { tokens: Number(row.extra_tokens), usd: Number(row.extra_usd) };
  const { tokens, usd }: BudgetLimit = limits[scope] ?? {};
  return {
    line: row.line, scope, of: row.line.slice(at + 1), ...(run ? { run } : {}), raised,
    limit: { ...(tokens === undefined ? {} : { tokens: tokens + raised.tokens }), ...(usd === undefined ? {} : { usd: usd + raised.usd }) },
    spent: { tokens: Number(row.tokens), usd: Number(row.usd) },
    held: { tokens: Number(row.held_tokens), usd: Number(row.held_usd) },
  };
}

/**
 * The ledger of budgets: one line per run, session, agent, day and month, always kept, so that a limit set later counts
 * what was spent before. Invariants: an attempt reserves its most on all its lines in one transaction before it costs
 * anything, and settles them in the transaction that writes what came of it; a reservation is settled once; the
 * ledger's day never runs backwards.
 */
import { BUDGET_SCOPES, type BudgetAmount, type BudgetLimits, type BudgetScope, budgetKey } from '../core/budget.js';
import { dayIn } from '../core/calendar.js';
import { NO_USAGE } from '../core/model.js';
import type { Fence } from '../core/steps.js';
import { sql, type Selectable } from 'kysely';
import { type Estimate, type Fit, type LineState, fit, usdOf } from '../core/budget-fit.js';
import { type RunAnswer, answersFor, ask, leaveWaits } from './budget-questions.js';
import { assertFence, type Tx } from './fence.js';
import { ownerLives, thisProcess } from './process.js';
import type { Db } from './sqlite.js';
import type { ReservationsTable } from './tables.js';
import { recordLostAttempt } from './usage.js';

export interface Budgets {
  readonly limits: BudgetLimits;
  /** Whose days and months are meant. */
  readonly timezone: string;
}

/** One attempt of a model call. */
export interface Reserving {
  /** The same as its usage row's. */
  readonly id: string;
  readonly fence: Fence;
  readonly run: string;
  readonly runId: string;
  readonly step: number;
  readonly attempt: number;
  readonly agent: string;
  readonly provider: string;
  readonly model: string;
}

export type Reserved =
  /** `went`: questions the run had waited for. */
  | { readonly kind: 'granted'; readonly output: number; readonly went: readonly string[] }
  | { readonly kind: 'held'; readonly line: string; readonly scope: BudgetScope }
  | { readonly kind: 'over'; readonly question: string; readonly scope: BudgetScope; readonly day: string }
  | { readonly kind: 'stopped'; readonly answer: RunAnswer };

/**
 * Reserves, asks the owner, or says that it has to wait for other attempts.
 * @throws CodedError FENCED_OUT
 */
export async function reserve(db: Db, at: Reserving, asked: Estimate, budgets: Budgets): Promise<Reserved> {
  return db.transaction().execute(async (tx): Promise<Reserved> => {
    await assertFence(tx, at.fence);
    const now = Date.now();
    const day = await takeDay(tx, budgets.timezone, now);
    // Whatever an earlier attempt of this step still holds, nobody will settle: this one takes its place.
    await loseReservations(tx, (await heldBy(tx, at.run)).filter((row) => Number(row.step) === at.step), now);
    const { found, stopped, waits } = await look(tx, at, day, asked, budgets.limits);
    if (stopped) {
      await leaveWaits(tx, at.run, now);
      return { kind: 'stopped', answer: stopped };
    }
    if (found.kind === 'held') return { kind: 'held', line: found.line.line, scope: found.line.scope };
    if (found.kind === 'over') {
      const question = await ask(tx, found, { run: at.run, runId: at.runId, session: at.fence.session }, now);
      return { kind: 'over', question, scope: found.line.scope, day };
    }
    const usd = usdOf({ ...asked, output: found.output });
    await addToLines(tx, linesOf({ ...at, session: at.fence.session, day }), { tokens: 0, usd: 0, heldTokens: asked.input + found.output, heldUsd: usd }, now);
    await tx
      .insertInto('reservations')
      .values({
        id: at.id, session: at.fence.session, run: at.run, step: at.step, attempt: at.attempt, agent: at.agent, day, provider: at.provider, model: at.model,
        input: asked.input, output: found.output, usd, state: 'held', ...thisProcess(), reserved_at: now, settled_at: null,
      })
      .execute();
    return { kind: 'granted', output: found.output, went: waits ? await leaveWaits(tx, at.run, now) : [] };
  });
}

/** Would it still only wait? Writes nothing, for asking often. */
export async function stillHeld(db: Db, at: Reserving, asked: Estimate, budgets: Budgets): Promise<boolean> {
  const { found, stopped } = await look(db, at, await currentDay(db, budgets.timezone), asked, budgets.limits);
  return !stopped && found.kind === 'held';
}

/** Gives back what an attempt held and counts what it used. A second time, or without a reservation, changes nothing. */
export async function settle(tx: Tx, id: string, used: BudgetAmount): Promise<void> {
  const row = await tx.deleteFrom('reservations').where('id', '=', id).returningAll().executeTakeFirst();
  if (!row) return;
  const held = { tokens: Number(row.input) + Number(row.output), usd: Number(row.usd) };
  // One that was given up as lost and is heard of after all: its estimate becomes what it really used.
  const change = row.state === 'held' ? { ...used, heldTokens: -held.tokens, heldUsd: -held.usd } : { tokens: used.tokens - held.tokens, usd: used.usd - held.usd, heldTokens: 0, heldUsd: 0 };
  await addToLines(tx, linesOf(row), change, Date.now());
}

/** Counts what cost something without having reserved it: a recording's price is known only by who transcribed it. */
export async function countSpent(tx: Tx, at: { readonly run: string; readonly session: string; readonly agent: string }, used: BudgetAmount, timezone: string): Promise<void> {
  const now = Date.now();
  await addToLines(tx, linesOf({ ...at, day: await takeDay(tx, timezone, now) }), { ...used, heldTokens: 0, heldUsd: 0 }, now);
}

/** The run ended: it waits for nobody, and what its attempts still hold is lost. */
export async function closeRun(tx: Tx, run: string): Promise<void> {
  const now = Date.now();
  await leaveWaits(tx, run, now);
  await loseReservations(tx, await heldBy(tx, run), now);
}

/** What attempts of processes that are gone still hold is lost. @returns how many */
export async function loseDead(db: Db): Promise<number> {
  const rows = (await db.selectFrom('reservations').selectAll().where('state', '=', 'held').execute()).filter((row) => !ownerLives(row));
  return rows.length === 0 ? 0 : db.transaction().execute((tx) => loseReservations(tx, rows, Date.now()));
}

/** A provider's late word on an attempt comes within hours; after this nobody will settle it. */
const LOST_KEPT_MS = 60 * 24 * 3_600_000;

/** Lost ones are counted in the ledger and have their usage row: kept only so that a late end can correct them. */
export const pruneLost = (db: Db): Promise<unknown> => db.deleteFrom('reservations').where('state', '=', 'lost').where('settled_at', '<', Date.now() - LOST_KEPT_MS).execute();

type Row = Selectable<ReservationsTable>;

const heldBy = (tx: Tx, run: string): Promise<Row[]> => tx.selectFrom('reservations').selectAll().where('state', '=', 'held').where('run', '=', run).execute();

/** Attempts that nobody will hear of again count at their estimate, and their usage row says `lost`. */
async function loseReservations(tx: Tx, rows: readonly Row[], now: number): Promise<number> {
  let lost = 0;
  for (const row of rows) {
    const { numUpdatedRows } = await tx.updateTable('reservations').set({ state: 'lost', settled_at: now }).where('id', '=', row.id).where('state', '=', 'held').executeTakeFirst();
    if (numUpdatedRows === 0n) continue;
    const [input, output, usd] = [Number(row.input), Number(row.output), Number(row.usd)];
    await addToLines(tx, linesOf(row), { tokens: input + output, usd, heldTokens: -(input + output), heldUsd: -usd }, now);
    await recordLostAttempt(tx, row.id, {
      session: row.session, run: row.run, step: Number(row.step), attempt: Number(row.attempt), provider: row.provider, model: row.model,
      // Nothing is what a model without a price costs too.
      usage: { ...NO_USAGE, input, output }, ...(usd === 0 ? {} : { costUsd: usd }), startedAt: Number(row.reserved_at), endedAt: now,
    });
    lost += 1;
  }
  return lost;
}

const linesOf = (at: { readonly run: string; readonly session: string; readonly agent: string; readonly day: string }): string[] => BUDGET_SCOPES.map((scope) => budgetKey(scope, at));

async function addToLines(tx: Tx, lines: readonly string[], change: { readonly tokens: number; readonly usd: number; readonly heldTokens: number; readonly heldUsd: number }, now: number): Promise<void> {
  const row = { tokens: change.tokens, usd: change.usd, held_tokens: change.heldTokens, held_usd: change.heldUsd, extra_tokens: 0, extra_usd: 0, updated_at: now };
  await tx
    .insertInto('ledger')
    .values(lines.map((line) => ({ line, ...row })))
    .onConflict((c) =>
      c.column('line').doUpdateSet((e) => ({
        tokens: sql`${e.ref('ledger.tokens')} + ${e.ref('excluded.tokens')}`,
        usd: sql`${e.ref('ledger.usd')} + ${e.ref('excluded.usd')}`,
        held_tokens: sql`${e.ref('ledger.held_tokens')} + ${e.ref('excluded.held_tokens')}`,
        held_usd: sql`${e.ref('ledger.held_usd')} + ${e.ref('excluded.held_usd')}`,
        updated_at: now,
      })),
    )
    .execute();
}

async function look(db: Db | Tx, at: Reserving, day: string, asked: Estimate, limits: BudgetLimits): Promise<{ readonly found: Fit; readonly stopped?: RunAnswer; readonly waits: boolean }> {
  const answers = await answersFor(db, at.run);
  const stopped = answers.find(({ state }) => state === 'stopped');
  const passes = new Set(answers.filter(({ state }) => state === 'once').map(({ line }) => line));
  const lines = (await lineStates(db, { ...at, session: at.fence.session, day }, limits)).filter(({ line }) => !passes.has(line));
  return { found: fit(lines, asked), waits: answers.some(({ waiting }) => waiting), ...(stopped ? { stopped } : {}) };
}

/** Lines that have a limit. */
async function lineStates(db: Db | Tx, at: Parameters<typeof budgetKey>[1], limits: BudgetLimits): Promise<LineState[]> {
  const scopes = BUDGET_SCOPES.filter((scope) => limits[scope]?.tokens !== undefined || limits[scope]?.usd !== undefined);
  if (scopes.length === 0) return [];
  const rows = await db.selectFrom('ledger').selectAll().where('line', 'in', scopes.map((scope) => budgetKey(scope, at))).execute();
  return scopes.map((scope): LineState => {
    const line = budgetKey(scope, at);
    const row = rows.find((one) => one.line === line);
    const { tokens, usd } = limits[scope]!;
    return {
      scope, line,
      limit: { ...(tokens === undefined ? {} : { tokens: tokens + Number(row?.extra_tokens ?? 0) }), ...(usd === undefined ? {} : { usd: usd + Number(row?.extra_usd ?? 0) }) },
      spent: { tokens: Number(row?.tokens ?? 0), usd: Number(row?.usd ?? 0) },
      held: { tokens: Number(row?.held_tokens ?? 0), usd: Number(row?.held_usd ?? 0) },
    };
  });
}

const DAY = 'budget_day';

/** A clock or zone that is set back opens no day again. */
async function takeDay(tx: Tx, timezone: string, now: number): Promise<string> {
  const today = dayIn(timezone, now);
  const kept = await keptDay(tx);
  if (kept !== undefined && kept >= today) return kept;
  await tx.insertInto('meta').values({ name: DAY, value: today }).onConflict((c) => c.column('name').doUpdateSet({ value: today })).execute();
  return today;
}

/** The ledger's day, `YYYY-MM-DD`. */
export async function currentDay(db: Db, timezone: string): Promise<string> {
  const today = dayIn(timezone, Date.now());
  const kept = await keptDay(db);
  return kept !== undefined && kept > today ? kept : today;
}

const keptDay = async (db: Db | Tx): Promise<string | undefined> => (await db.selectFrom('meta').select('value').where('name', '=', DAY).executeTakeFirst())?.value;

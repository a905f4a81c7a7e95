/**
 * How long a run waited for people: time that counts against no limit of the run.
 */
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';

/** Milliseconds of waiting for approvals and answers about budgets; what overlaps counts once. */
export async function waitedForPeople(db: Db | Tx, run: string, now = Date.now()): Promise<number> {
  const approvals = await db.selectFrom('approvals').select(['created_at', 'decided_at', 'handed_on_at']).where('run', '=', run).execute();
  const budgets = await db.selectFrom('budget_waits').select(['since', 'until']).where('run', '=', run).execute();
  const spans = [
    ...approvals.map((row) => ({ from: Number(row.created_at), to: Math.min(Number(row.decided_at ?? now), Number(row.handed_on_at ?? now)) })),
    ...budgets.map((row) => ({ from: Number(row.since), to: Number(row.until ?? now) })),
  ].toSorted((a, b) => a.from - b.from);
  let waited = 0;
  let upTo = 0;
  for (const { from, to } of spans) {
    waited += Math.max(0, to - Math.max(upTo, from));
    upTo = Math.max(upTo, to);
  }
  return waited;
}

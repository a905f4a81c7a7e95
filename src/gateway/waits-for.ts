/** Which person's word a run waits for, for everybody who asks about the run. */
import type { GatewayDeps, RunRow } from './deps.js';
import { MAX_MERGES } from './wait.js';

/** More open questions of one run than anybody reads. */
const LIMIT = 50;

interface Asks {
  readonly waitingFor?: 'approval' | 'budget';
  readonly approvals?: readonly string[];
  readonly budgetQuestion?: string;
}

export interface WaitsFor extends Asks {
  /** It has not begun: this run of its session goes first, and waits for that itself. */
  readonly queuedBehind?: { readonly runId: string } & Asks;
}

type Deps = Pick<GatewayDeps, 'approvals' | 'budgets' | 'rows'>;

/** A run that was merged waits for what the run that took it in waits for. */
export async function waitsFor(deps: Deps, row: RunRow): Promise<WaitsFor> {
  if (row.state === 'accepted' || row.state === 'signalled') return behind(deps, row);
  return asksOf(deps, await hostOf(deps, row));
}

async function behind(deps: Deps, row: RunRow): Promise<WaitsFor> {
  const [first] = (await deps.rows.listRuns({ session: row.session, state: ['taken'], limit: 1 })).runs;
  return first ? { queuedBehind: { runId: first.runId, ...(await asksOf(deps, first.run)) } } : {};
}

async function asksOf(deps: Deps, run: string): Promise<Asks> {
  const open = (await deps.approvals.list({ open: true, run, limit: LIMIT })).filter((approval) => approval.handedOnAt === undefined);
  if (open.length > 0) return { waitingFor: 'approval', approvals: open.map(({ id }) => id) };
  const question = await deps.budgets.waitOf(run);
  return question ? { waitingFor: 'budget', budgetQuestion: question.id } : {};
}

/** @returns the hash of the run that goes on */
async function hostOf({ rows }: Deps, row: RunRow): Promise<string> {
  let at = row;
  for (let i = 0; i < MAX_MERGES && at.state === 'merged' && at.mergedInto !== undefined; i += 1) {
    const next = await rows.runByHash(at.mergedInto);
    if (!next) break;
    at = next;
  }
  return at.run;
}

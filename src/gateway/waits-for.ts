/** Which person's word a run waits for, for everybody who asks about the run. */
import type { GatewayDeps, RunRow } from './deps.js';
import { MAX_MERGES } from './wait.js';

/** More open questions of one run than anybody reads. */
const LIMIT = 50;

export interface WaitsFor {
  readonly waitingFor?: 'approval' | 'budget';
  readonly approvals?: readonly string[];
  readonly budgetQuestion?: string;
}

/** A run that was merged waits for what the run that took it in waits for. */
export async function waitsFor(deps: Pick<GatewayDeps, 'approvals' | 'budgets' | 'rows'>, row: RunRow): Promise<WaitsFor> {
  const run = await hostOf(deps, row);
  const open = (await deps.approvals.list({ open: true, run, limit: LIMIT })).filter((approval) => approval.handedOnAt === undefined);
  if (open.length > 0) return { waitingFor: 'approval', approvals: open.map(({ id }) => id) };
  const question = await deps.budgets.waitOf(run);
  return question ? { waitingFor: 'budget', budgetQuestion: question.id } : {};
}

/** @returns the hash of the run that goes on */
async function hostOf({ rows }: Pick<GatewayDeps, 'rows'>, row: RunRow): Promise<string> {
  let at = row;
  for (let i = 0; i < MAX_MERGES && at.state === 'merged' && at.mergedInto !== undefined; i += 1) {
    const next = await rows.runByHash(at.mergedInto);
    if (!next) break;
    at = next;
  }
  return at.run;
}

/** Which person's word a run waits for, for everybody who asks about the run. */
import type { GatewayDeps } from './deps.js';

/** More open questions of one run than anybody reads. */
const LIMIT = 50;

export interface WaitsFor {
  readonly waitingFor?: 'approval' | 'budget';
  readonly approvals?: readonly string[];
  readonly budgetQuestion?: string;
}

/** @param run hash of the run id */
export async function waitsFor(deps: Pick<GatewayDeps, 'approvals' | 'budgets'>, run: string): Promise<WaitsFor> {
  const open = (await deps.approvals.list({ open: true, run, limit: LIMIT })).filter((approval) => approval.handedOnAt === undefined);
  if (open.length > 0) return { waitingFor: 'approval', approvals: open.map(({ id }) => id) };
  const question = await deps.budgets.waitOf(run);
  return question ? { waitingFor: 'budget', budgetQuestion: question.id } : {};
}

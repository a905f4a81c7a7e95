/**
 * Asking before a call runs. Which calls are asked is decided here, where the arguments are; the workflow only hears of it.
 * Invariants: a call is asked once, whatever is retried; the question shows exactly what will run; what a grant covers is
 * not asked again.
 */
import { type ApprovalRequest, waitingText } from '../core/approval.js';
import type { Fence, HandOnInput, HandOnResult, RequestApprovalInput, RequestApprovalResult } from '../core/steps.js';
import { isTerminal } from '../core/run.js';
import { agentOf } from '../core/session-key.js';
import type { ToolCall } from '../core/transcript.js';
import { approvalById, approvalId, approvalOfCall, callKey, isGranted, markHandedOn, putApproval, requestHash } from '../storage/approvals.js';
import { type Tx, assertFence, storeBehind } from '../storage/fence.js';
import { inboundById } from '../storage/inbound.js';
import { mayUse, rightsOfRun } from '../storage/rights.js';
import type { Db } from '../storage/sqlite.js';
import { appendRows, rowAt } from '../storage/transcript.js';
import type { ActivityDeps } from './deps.js';
import { translated } from './failures.js';
import { resultRow } from './result-row.js';
import { validateArgs } from './tools/validate.js';

export interface ApprovalActivities {
  requestApproval(input: RequestApprovalInput): Promise<RequestApprovalResult>;
  handOnApproval(input: HandOnInput): Promise<HandOnResult>;
}

interface CallsOf {
  readonly session: string;
  readonly run: string;
  readonly step: number;
}

/** What has to be asked before `call` runs; nothing for a call that would be refused anyway. */
export async function approvalWanted(deps: Pick<ActivityDeps, 'db' | 'tools'>, at: CallsOf, call: ToolCall): Promise<ApprovalRequest | undefined> {
  const tool = deps.tools().get(call.tool);
  if (!tool?.approval || call.malformed !== undefined || validateArgs(tool, call.args) !== undefined) return undefined;
  if (!mayUse(await rightsOfRun(deps.db, at.run), tool.name)) return undefined;
  const wanted = await tool.approval(call.args, callKey({ ...at, index: call.index }));
  return wanted && !(await isGranted(deps.db, agentOf(at.session), wanted)) ? wanted : undefined;
}

/** Indexes of the calls that have to be asked. */
export async function callsToAsk(deps: Pick<ActivityDeps, 'db' | 'tools'>, at: CallsOf, calls: readonly ToolCall[]): Promise<ReadonlySet<number>> {
  const asked = new Set<number>();
  for (const call of calls) if (await approvalWanted(deps, at, call)) asked.add(call.index);
  return asked;
}

/** What was allowed is what was shown: a folder that is another one by now was not. */
export async function isAllowed(db: Db | Tx, key: string, wanted: ApprovalRequest): Promise<boolean> {
  const known = await approvalOfCall(db, key);
  return known?.state === 'allowed' && requestHash(known.request) === requestHash(wanted);
}

export function createApprovalActivities(deps: ActivityDeps): ApprovalActivities {
  const { db } = deps;
  const coded = <T>(work: () => Promise<T>): Promise<T> => translated(work, () => false);
  const tell = (input: Fence & { readonly run: string; readonly step: number }, runId: string, id: string): void =>
    deps.events.publish({ type: 'approval', id, session: input.session, run: input.run, runId, step: input.step, attempt: 1, at: Date.now() });

  return {
    requestApproval: (input) =>
      coded(async () => {
        const known = await approvalOfCall(db, callKey(input));
        if (known) return { state: known.state, id: known.id };
        const inbound = await inboundById(db, input.inboundId);
        const answer = (await rowAt(db, input.session, input.callSeq))?.content;
        const call = answer?.type === 'assistant' ? answer.calls.find((other) => other.index === input.index) : undefined;
        // A call that is not there is answered by the tool's own activity.
        const request = call && inbound && (await approvalWanted(deps, input, call));
        if (!request) return { state: 'not needed' };
        const { approval, isNew } = await db.transaction().execute(async (tx) => {
          await assertFence(tx, input);
          // A stop may have sealed the run while this attempt was still under way: it asks nobody any more.
          const now = await inboundById(tx, input.inboundId);
          if (!now || isTerminal(now.state)) return { approval: undefined, isNew: false };
          return putApproval(tx, {
            id: approvalId(callKey(input)), agent: agentOf(input.session), request,
            call: { session: input.session, run: input.run, runId: inbound.runId, step: input.step, index: input.index, callSeq: input.callSeq },
          });
        });
        if (!approval) return { state: 'cancelled', id: approvalId(callKey(input)) };
        if (isNew) tell(input, inbound.runId, approval.id);
        return { state: approval.state, id: approval.id };
      }),

    handOnApproval: (input) =>
      coded(async () => {
        const result = await db.transaction().execute(async (tx) => {
          await assertFence(tx, input);
          const known = await approvalById(tx, input.approval);
          if (!known) throw storeBehind(`approval ${input.approval} was asked for and is not there`);
          if (known.handedOnAt === undefined && !(await markHandedOn(tx, input.approval))) return { state: known.state, runId: '' };
          const row = await resultRow(tx, input, input.callSeq, input, waitingText(input.approval), { approval: input.approval, waiting: true });
          if (row) await appendRows(tx, input, [row]);
          return { state: 'open' as const, runId: known.call?.runId ?? input.run };
        });
        if (result.state === 'open') tell(input, result.runId, input.approval);
        return { state: result.state };
      }),
  };
}

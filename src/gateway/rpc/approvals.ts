/**
 * `exec.approval.*` (the peer's) and `approvals.*` (ours): a person's word on calls that wait for it.
 * Invariant: every answer comes from the row, so it is true before and after a restart.
 */
import { validateExecApprovalGetParams, validateExecApprovalRequestParams, validateExecApprovalResolveParams } from '@openclaw/gateway-protocol';

import { APPROVAL_DECISIONS, type Approval, type ApprovalDecision } from '../../core/approval.js';
import { invalidRequest } from '../../core/errors.js';
import { DEFAULT_AGENT } from '../../core/names.js';
import {
  ApprovalsDenyParams, ApprovalsGrantsParams, ApprovalsListParams, ApprovalsRevokeParams, ExecApprovalListParams, ExecApprovalWaitParams,
} from '../../core/schema/rpc.js';
import { shellWord } from '../../core/shell-word.js';
import { followOnRunId } from '../../sessions/keys.js';
import { approvalEntry, approvalView, expiresAtMs, grantView } from '../approval-view.js';
import type { GatewayDeps } from '../deps.js';
import { validator } from '../validate.js';
import { refuseUnavailable } from './accept.js';
import { type CallContext, method } from './method.js';

const SCOPE = 'operator.approvals';
const LIST_LIMIT = 200;

async function known(deps: GatewayDeps, id: string): Promise<Approval> {
  const approval = await deps.approvals.get(id);
  if (!approval) throw invalidRequest(`there is no approval ${id}; exec.approval.list names those that are open`, { code: 'UNKNOWN_APPROVAL', id });
  return approval;
}

async function decide(context: CallContext, id: string, decision: ApprovalDecision, reason?: string) {
  const { repeated, granted, ...approval } = await context.deps.approvals.decide(id, decision, context.principal, reason);
  return {
    ok: true, id,
    // Of a repeat, what holds: another answer came first, and it alone was acted on.
    decision: approval.decision ?? decision,
    ...(approval.handedOnAt === undefined ? {} : { followOnRunId: followOnRunId(id) }),
    ...(repeated ? { repeated, decidedBy: approval.decidedBy ?? null, resolvedAtMs: approval.decidedAt ?? null, ...(approval.reason === undefined ? {} : { reason: approval.reason }) } : {}),
    ...(granted ? { grant: grantView(granted) } : {}),
  };
}

const decisionOf = (approval: Approval | undefined): ApprovalDecision | null => approval?.decision ?? null;

export const execApprovalList = method({
  name: 'exec.approval.list',
  scope: SCOPE,
  params: validator(ExecApprovalListParams),
  async handler({ limit = LIST_LIMIT, offset = 0 }, { deps }) {
    return (await deps.approvals.list({ open: true, limit, offset })).map(approvalEntry);
  },
});

export const execApprovalGet = method({
  name: 'exec.approval.get',
  scope: SCOPE,
  params: validateExecApprovalGetParams,
  async handler({ id }, { deps }) {
    return approvalView(await known(deps, id), followOnRunId);
  },
});

export const execApprovalResolve = method({
  name: 'exec.approval.resolve',
  scope: SCOPE,
  params: validateExecApprovalResolveParams,
  handler({ id, decision, ...rest }, context) {
    refuseUnavailable('exec.approval.resolve', rest, ['reviewer', 'grantExpiresInDays']);
    const wanted = APPROVAL_DECISIONS.find((one) => one === decision);
    if (!wanted) throw invalidRequest(`invalid decision "${decision.slice(0, 40)}"; use ${APPROVAL_DECISIONS.join(', ')}`);
    return decide(context, id, wanted);
  },
});

/** Answers twice when asked to: that it is asked, then how it ended. `decision` is null when nobody answered in time. */
export const execApprovalRequest = method({
  name: 'exec.approval.request',
  scope: SCOPE,
  params: validateExecApprovalRequestParams,
  async handler(params, { deps, approvalWatch, signal, respond }) {
    const command = params.command ?? params.commandArgv?.map(shellWord).join(' ') ?? params.systemRunPlan?.commandText;
    if (command === undefined || command === '') throw invalidRequest('exec.approval.request: command is required');
    const cwd = params.cwd ?? params.systemRunPlan?.cwd;
    const approval = await deps.approvals.request({
      command, agent: params.agentId ?? DEFAULT_AGENT,
      ...(typeof cwd === 'string' ? { cwd } : {}),
      ...(params.env && Object.keys(params.env).length > 0 ? { env: params.env } : {}),
      ...(typeof params.warningText === 'string' ? { why: params.warningText } : {}),
      ...(params.timeoutMs === undefined ? {} : { timeoutMs: params.timeoutMs }),
      ...(params.id === undefined ? {} : { id: params.id }),
    });
    const base = { id: approval.id, createdAtMs: approval.createdAt, expiresAtMs: expiresAtMs(approval) };
    if (params.twoPhase === true) respond({ status: 'accepted', ...base });
    const ended = await approvalWatch.decided(approval.id, { signal });
    return { ...base, decision: decisionOf(ended) };
  },
});

export const execApprovalWait = method({
  name: 'exec.approval.waitDecision',
  scope: SCOPE,
  params: validator(ExecApprovalWaitParams),
  async handler({ id, timeoutMs }, { deps, approvalWatch, signal }) {
    const approval = await known(deps, id);
    const ended = await approvalWatch.decided(id, { signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    return { id, decision: decisionOf(ended), ...(ended ? { status: ended.state } : { status: 'pending' }), createdAtMs: approval.createdAt, expiresAtMs: expiresAtMs(approval) };
  },
});

export const approvalsList = method({
  name: 'approvals.list',
  scope: SCOPE,
  params: validator(ApprovalsListParams),
  async handler({ all, limit = LIST_LIMIT, offset = 0 }, { deps, now }) {
    const which = all === true ? {} : { open: true };
    const [approvals, totalCount] = await Promise.all([deps.approvals.list({ ...which, limit, offset }), deps.approvals.count(which)]);
    const next = offset + approvals.length;
    const hasMore = approvals.length > 0 && next < totalCount;
    return { ts: now(), count: approvals.length, totalCount, hasMore, nextOffset: hasMore ? next : null, approvals: approvals.map((approval) => approvalView(approval, followOnRunId)) };
  },
});

export const approvalsDeny = method({
  name: 'approvals.deny',
  scope: SCOPE,
  params: validator(ApprovalsDenyParams),
  handler: ({ id, reason }, context) => decide(context, id, 'deny', reason),
});

export const approvalsGrants = method({
  name: 'approvals.grants',
  scope: 'operator.read',
  params: validator(ApprovalsGrantsParams),
  async handler(_params, { deps }) {
    return { grants: (await deps.approvals.grants()).map(grantView) };
  },
});

export const approvalsRevoke = method({
  name: 'approvals.revoke',
  scope: SCOPE,
  params: validator(ApprovalsRevokeParams),
  async handler({ id }, { deps }) {
    return { ok: true, grant: grantView(await deps.approvals.revoke(id)) };
  },
});

export const approvalMethods = [
  execApprovalList, execApprovalGet, execApprovalResolve, execApprovalRequest, execApprovalWait, approvalsList, approvalsDeny, approvalsGrants, approvalsRevoke,
];

/** Approvals as the wire has them. Pure. */
import { APPROVAL_DECISIONS, type Approval, type Grant } from '../core/approval.js';
import { toolCallId } from './agent-events.js';

/** The wire wants a time; an approval without a limit gets one that nobody lives to see pass. */
const NEVER_MS = 10 * 365 * 24 * 3_600_000;

export const expiresAtMs = (approval: Approval): number => approval.expiresAt ?? approval.createdAt + NEVER_MS;

/** Of `exec.approval.list`, and of the event that asks. */
export const approvalEntry = (approval: Approval) => ({
  id: approval.id,
  request: {
    command: approval.request.command,
    cwd: approval.request.cwd ?? null,
    ...(approval.request.env ? { env: approval.request.env } : {}),
    ...(approval.request.background ? { background: true } : {}),
    ...(approval.request.why === undefined ? {} : { why: approval.request.why, warningText: approval.request.why }),
    tool: approval.request.tool,
    host: 'gateway',
    security: 'allowlist',
    ask: 'on-miss',
    agentId: approval.agent,
    sessionKey: approval.call?.session ?? null,
    runId: approval.call?.runId ?? null,
    // The same as in the run's events and in `chat.history`.
    toolCallId: approval.call ? toolCallId(approval.call.run, approval.call.step, approval.call.index) : null,
    allowedDecisions: APPROVAL_DECISIONS,
  },
  createdAtMs: approval.createdAt,
  expiresAtMs: expiresAtMs(approval),
});

/** Everything that is known of one. */
export const approvalView = (approval: Approval, followOnRunId: (id: string) => string) => ({
  ...approvalEntry(approval),
  commandText: approval.request.command,
  commandPreview: null,
  allowedDecisions: APPROVAL_DECISIONS,
  host: 'gateway',
  nodeId: null,
  agentId: approval.agent,
  status: approval.state === 'open' ? 'pending' : approval.state,
  ...(approval.decision === undefined ? {} : { decision: approval.decision }),
  ...(approval.decidedBy === undefined ? {} : { decidedBy: approval.decidedBy }),
  ...(approval.reason === undefined ? {} : { reason: approval.reason }),
  ...(approval.decidedAt === undefined ? {} : { resolvedAtMs: approval.decidedAt }),
  handedOn: approval.handedOnAt !== undefined,
  ...(approval.handedOnAt !== undefined && approval.decision !== undefined ? { followOnRunId: followOnRunId(approval.id) } : {}),
});

export const grantView = (grant: Grant) => ({
  id: grant.id,
  agentId: grant.agent,
  command: grant.request.command,
  cwd: grant.request.cwd ?? null,
  ...(grant.request.env ? { env: grant.request.env } : {}),
  ...(grant.request.background ? { background: true } : {}),
  approval: grant.approval,
  grantedBy: grant.grantedBy,
  createdAtMs: grant.createdAt,
});

/** The event of an approval as its row is now. */
export function approvalEvent(approval: Approval): { readonly event: string; readonly payload: Readonly<Record<string, unknown>> } {
  const entry = approvalEntry(approval);
  if (approval.state === 'open') return { event: 'exec.approval.requested', payload: { approvalKind: 'exec', ...entry } };
  return {
    event: 'exec.approval.resolved',
    payload: {
      approvalKind: 'exec', id: approval.id, decision: approval.decision ?? null, status: approval.state, resolvedBy: approval.decidedBy ?? null,
      ...(approval.reason === undefined ? {} : { reason: approval.reason }), ts: approval.decidedAt ?? Date.now(), request: entry.request,
    },
  };
}

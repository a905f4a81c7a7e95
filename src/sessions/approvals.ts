/**
 * A person's word on a call that waits for it. The decision is one committed row; the signal comes after it and may be
 * repeated by anyone. Invariants: a decision is made once; one that came after its turn had gone on starts exactly one
 * run, which carries the call out.
 */
import { randomUUID } from 'node:crypto';
import { type Approval, type ApprovalDecision, type Grant, DECIDED_WORDS } from '../core/approval.js';
import { CodedError, invalidRequest, messageOf } from '../core/errors.js';
import { type InboundMessage, messageKey } from '../core/message.js';
import type { Logger, RunEvents, TurnRequest } from '../core/ports.js';
import { shellWord } from '../core/shell-word.js';
import {
  type ApprovalQuery, approvalById, approvalId, approvalsChangedSince, countApprovals, decideApproval, grant, grantOf, listApprovals, listGrants, markDecisionSignalled, putApproval, revokeGrant, runsThatAsk, sameQuestions, undeliveredDecisions,
} from '../storage/approvals.js';
import type { Tx } from '../storage/fence.js';
import { type Inbound, inboundById, inboundByRun, insertInbound } from '../storage/inbound.js';
import type { Db } from '../storage/sqlite.js';
import type { SessionEngine } from './engine.js';
import { signal } from './intake.js';
import { rightsId, rightsOfRun } from '../storage/rights.js';
import { followOnRunId, inboundIdOf, payloadHash, requireSessionKey, runHash } from './keys.js';

export interface Decided extends Approval {
  /** It was decided before this call, as this says; the call changed nothing but what `granted` tells. */
  readonly repeated?: true;
  /** Was allowed once before, by the same person: allowed always from now on. */
  readonly granted?: Grant;
}

export interface Approvals {
  /**
   * Decides. Repeating the same decision changes nothing; who allowed it once may allow it always later, for the times to come.
   * @throws CodedError INVALID_REQUEST for an unknown id and for one that was decided otherwise
   */
  decide(id: string, decision: ApprovalDecision, by: string, reason?: string): Promise<Decided>;
  /** A client asks on its own behalf: no run waits for it. */
  request(asked: { readonly command: string; readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly why?: string; readonly agent: string; readonly timeoutMs?: number; readonly id?: string }): Promise<Approval>;
  /** Signals decisions that their sessions have not acted on. */
  resignal(): Promise<void>;
  get(id: string): Promise<Approval | undefined>;
  /** Newest first. */
  list(query: ApprovalQuery & { readonly limit: number; readonly offset?: number }): Promise<readonly Approval[]>;
  count(query: ApprovalQuery): Promise<number>;
  /** Hashes of the runs that wait for an answer. */
  runsThatAsk(): Promise<readonly string[]>;
  /** Asked for, decided or handed on after the cursor, in that order. */
  changedSince(cursor: { readonly updatedAt: number; readonly id: string }, limit: number): Promise<readonly Approval[]>;
  grants(): Promise<readonly Grant[]>;
  /** @throws CodedError INVALID_REQUEST for an unknown id */
  revoke(id: string): Promise<Grant>;
}

export interface ApprovalsDeps {
  readonly db: Db;
  readonly engine: SessionEngine;
  readonly events: RunEvents;
  readonly log: Logger;
}

/** A signal takes milliseconds; what is older than this was lost with a process. */
const LOST_AFTER_MS = 5_000;

export function createApprovals(deps: ApprovalsDeps): Approvals {
  const { db } = deps;

  async function tell(approval: Approval): Promise<void> {
    const { call } = approval;
    if (!call) return;
    deps.events.publish({ type: 'approval', id: approval.id, session: call.session, run: call.run, runId: call.runId, step: call.step, attempt: 1, at: Date.now() });
    try {
      const { agent } = requireSessionKey(call.session);
      const inbound = await inboundByRun(db, call.run);
      await deps.engine.decided({ session: call.session, agent, channel: inbound?.channel ?? 'rpc' }, { approval: approval.id });
      await markDecisionSignalled(db, approval.id);
    } catch (error) {
      deps.log.warn({ approval: approval.id, session: call.session, error: messageOf(error) }, 'engine away: the decision is kept and signalled again');
    }
  }

  const approvals: Approvals = {
    async decide(id, decision, by, reason) {
      const { approval, isNew, followOn, same, granted } = await db.transaction().execute(async (tx) => {
        const decided = await decideApproval(tx, id, decision, by, reason);
        const row = await approvalById(tx, id);
        if (!row) throw invalidRequest(`there is no approval ${id}; \`openclaw approvals list\` shows those that are open`, { code: 'UNKNOWN_APPROVAL', id });
        // The call has run or runs: only what is to come can still be allowed.
        const widens = !decided && decision === 'allow-always' && row.decision === 'allow-once' && row.decidedBy === by;
        return {
          approval: row, isNew: decided,
          followOn: decided && row.handedOnAt !== undefined ? await insertFollowOn(tx, row) : undefined,
          granted: widens ? await grant(tx, row, by) : undefined,
          same: widens || (decided && decision === 'allow-always') ? await sameQuestions(tx, row) : [],
        };
      });
      if (!isNew && !granted && approval.decision !== decision) throw await alreadyDecided(approval);
      if (isNew) await tell(approval);
      if (followOn) await signal(deps, followOn);
      // What the grant covers is not asked any more, also where it was asked already.
      for (const other of same) await approvals.decide(other.id, 'allow-once', by, `covered by ${id}`);
      return { ...approval, ...(isNew ? {} : { repeated: true }), ...(granted ? { granted } : {}) };
    },

    async request(asked) {
      const id = asked.id ?? approvalId(randomUUID());
      const { approval, isNew } = await db.transaction().execute((tx) =>
        putApproval(tx, {
          id, agent: asked.agent,
          request: { tool: 'exec', command: asked.command, ...(asked.cwd === undefined ? {} : { cwd: asked.cwd }), ...(asked.env ? { env: asked.env } : {}), ...(asked.why === undefined ? {} : { why: asked.why }) },
          ...(asked.timeoutMs === undefined ? {} : { expiresAt: Date.now() + asked.timeoutMs }),
        }),
      );
      if (!isNew) throw invalidRequest(`approval ${id} exists already; ask with another id, or without one`);
      return approval;
    },

    async resignal() {
      for (const approval of await undeliveredDecisions(db, Date.now() - LOST_AFTER_MS)) await tell(approval);
    },

    get: (id) => approvalById(db, id),
    list: (query) => listApprovals(db, query),
    count: (query) => countApprovals(db, query),
    runsThatAsk: () => runsThatAsk(db),
    changedSince: (cursor, limit) => approvalsChangedSince(db, cursor, limit),
    grants: () => listGrants(db),
    async revoke(id) {
      const grant = await revokeGrant(db, id);
      if (!grant) throw invalidRequest(`there is no grant ${id}; \`openclaw approvals grants\` shows them`, { code: 'UNKNOWN_GRANT', id });
      return grant;
    },
  };
  return approvals;

  async function alreadyDecided(approval: Approval): Promise<CodedError> {
    const granted = approval.decision === 'allow-always' ? await grantOf(db, approval.agent, approval.request) : undefined;
    return new CodedError('INVALID_REQUEST', closedText(approval), leftToDo(approval, granted), {
      code: 'ALREADY_DECIDED', id: approval.id, state: approval.state, ...(approval.decision === undefined ? {} : { decision: approval.decision }), ...(approval.decidedBy === undefined ? {} : { decidedBy: approval.decidedBy }),
    });
  }
}

function closedText(approval: Approval): string {
  const by = approval.decidedBy === undefined ? '' : ` by ${approval.decidedBy}`;
  const why = approval.reason === undefined ? '' : ` (${approval.reason})`;
  const when = approval.decidedAt === undefined ? '' : ` at ${new Date(approval.decidedAt).toISOString()}`;
  return `approval ${approval.id} is already ${approval.decision === undefined ? approval.state : DECIDED_WORDS[approval.decision]}${by}${when}${why}`;
}

/** What a person who wanted it otherwise can still do. */
function leftToDo({ decision, settledAt, call }: Approval, granted: Grant | undefined): string {
  if (decision === 'deny') return 'The agent was told. Ask it to try again, and you are asked anew.';
  if (decision === 'allow-always' && granted) return `It is not asked about any more. Take that back: openclaw approvals revoke ${granted.id}`;
  if (decision === undefined) return 'Nothing waits for it any more. See what does: openclaw approvals list';
  if (settledAt !== undefined) return 'It has run. The next time it is asked about anew.';
  return call === undefined ? 'Who asked was told.' : `It may be running. Stop its run: openclaw runs abort ${shellWord(call.runId)}`;
}

/** The run of a late decision, with the rights of the one that asked. */
async function insertFollowOn(tx: Tx, approval: Approval): Promise<Inbound> {
  const original = approval.call && (await inboundByRun(tx, approval.call.run));
  if (!original) throw new CodedError('INTERNAL', `the run of approval ${approval.id} is not there`);
  const message: InboundMessage = {
    ...original.message, messageId: `approval:${approval.id}`, event: { type: 'message' }, time: Date.now(),
    text: `${approval.state === 'allowed' ? 'Allowed' : 'Denied'}: ${approval.request.command}`, mentions: [], attachments: [],
  };
  const { mode: _, ...asked } = original.request;
  const request: TurnRequest = { ...asked, followOn: approval.id };
  const key = messageKey(message);
  const id = inboundIdOf(key);
  const runId = followOnRunId(approval.id);
  await insertInbound(tx, {
    id, message_key: key, run: runHash(original.principal, original.session, runId), run_id: runId, session: original.session,
    principal: original.principal, role: original.role, rights: await rightsId(tx, await rightsOfRun(tx, original.run)), channel: original.channel, mode: 'followup', priority: original.priority,
    state: 'accepted', payload_hash: payloadHash([message.text, request]), message: JSON.stringify(message), request: JSON.stringify(request), accepted_at: Date.now(),
  });
  const row = await inboundById(tx, id);
  if (!row) throw new CodedError('INTERNAL', `the follow-on of approval ${approval.id} is not there`);
  return row;
}

/**
 * What the owner does to a session: `sessions.reset`, `.delete`, `.patch`, as the peer has them.
 * Invariants: a reset passes the one door and is answered when it is carried out; what is deleted is gone, and nothing at
 * work is deleted.
 */
import { randomUUID } from 'node:crypto';
import { validateSessionsDeleteParams, validateSessionsPatchParams, validateSessionsResetParams } from '@openclaw/gateway-protocol';
import { CodedError, invalidRequest } from '../../core/errors.js';
import { unknownSession } from '../../sessions/keeping.js';
import { tellOutcome } from '../outcome.js';
import { sessionEntry } from '../session-view.js';
import { acceptMessage, refuseUnavailable, sessionOf, thinkingLevel } from './accept.js';
import { type CallContext, method } from './method.js';

/** A turn is sealed within seconds; past this the engine is away, and the reset waits for it. */
const RESET_WAIT_MS = 30_000;
/** More than anybody reads in one answer. */
const NAMED = 100;

export const sessionsReset = method({
  name: 'sessions.reset',
  scope: 'operator.admin',
  params: validateSessionsResetParams,
  async handler({ key, agentId }, context) {
    const { deps } = context;
    const session = sessionOf('sessions.reset', key, agentId);
    if (!(await deps.keeping.row(session))) throw unknownSession(session);
    const before = (await deps.rows.listRuns({ session, state: ['accepted', 'signalled', 'taken'], limit: NAMED })).runs;
    const asked = await deps.approvals.list({ open: true, session, limit: NAMED });
    const runId = `reset-${randomUUID()}`;
    await acceptMessage({ method: 'sessions.reset', session, runId, text: '', attachments: undefined, turn: {}, reset: true }, context);
    const ended = await context.watcher.wait(runId, { session, timeoutMs: RESET_WAIT_MS, signal: context.signal });
    if (!ended) throw new CodedError('UNAVAILABLE', `the reset of ${session} is accepted and not carried out yet`, 'It happens when the engine takes it: openclaw sessions show says what it does; openclaw doctor says what is wrong.', { code: 'RESET_PENDING', runId });
    const told = tellOutcome(ended);
    if (told.state !== 'ok') throw new CodedError('UNAVAILABLE', `the reset of ${session} was not carried out: ${told.error ?? told.state}`, 'Somebody stopped it; try again.', { code: 'RESET_ENDED', runId });
    const row = (await deps.keeping.row(session)) ?? unknown(session);
    return { ok: true, key: session, entry: sessionEntry(row, context.now()), runId, ended: await endedBy(context, before.map((one) => one.runId), session), cancelled: await cancelled(context, asked.map(({ id }) => id)) };
  },
});

const unknown = (session: string): never => {
  throw unknownSession(session);
};

/** Of the runs that were open, those that the reset ended. */
async function endedBy({ deps }: CallContext, runs: readonly string[], session: string): Promise<readonly string[]> {
  const rows = await Promise.all(runs.map((runId) => deps.rows.run(runId, session)));
  return rows.flatMap((row) => (row && (row.dropped === 'reset' || (row.state === 'aborted' && row.outcome?.code === 'reset')) ? [row.runId] : []));
}

async function cancelled({ deps }: CallContext, ids: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(ids.map((id) => deps.approvals.get(id)));
  return found.flatMap((approval) => (approval?.state === 'cancelled' ? [approval.id] : []));
}

export const sessionsDelete = method({
  name: 'sessions.delete',
  scope: 'operator.admin',
  params: validateSessionsDeleteParams,
  async handler(params, { deps, principal }) {
    refuseUnavailable('sessions.delete', params, ['expectedLifecycleRevision', 'expectedSessionUpdatedAt', 'archivedOnly']);
    if (params.deleteTranscript === false) throw invalidRequest('sessions.delete: a transcript is not kept without its session; save it first with sessions.export');
    const session = sessionOf('sessions.delete', params.key, params.agentId);
    const known = await deps.keeping.row(session);
    if (!known) return { ok: true, key: session, deleted: false, archived: [] };
    refuseOther('sessions.delete', known.conversation, params.expectedSessionId);
    await deps.erasing.remove(session, principal);
    return { ok: true, key: session, deleted: true, archived: [] };
  },
});

/** The client means a conversation that is over. */
function refuseOther(name: string, conversation: string, expected: string | undefined): void {
  if (expected !== undefined && expected !== conversation) throw invalidRequest(`${name}: the session has another conversation by now`, { code: 'SESSION_CHANGED', sessionId: conversation });
}

const PATCH_UNAVAILABLE = [
  'expectedLifecycleRevision', 'expectedPermissionMode', 'expectedToolOverrides', 'expectedMarkedUnreadAt', 'icon', 'color', 'category', 'boardFace', 'statusNote', 'attention', 'ttlMinutes', 'archived',
  'pinned', 'unread', 'contextWindow', 'fastMode', 'toolOverrides', 'verboseLevel', 'traceLevel', 'reasoningLevel', 'responseUsage', 'elevatedLevel', 'execHost', 'execSecurity', 'execAsk', 'execNode',
  'permissionMode', 'completionOwnerSessionKey', 'inheritedToolPolicyVersion', 'inheritedToolAllow', 'inheritedToolDeny', 'sendPolicy',
] as const;

export const sessionsPatch = method({
  name: 'sessions.patch',
  scope: 'operator.write',
  params: validateSessionsPatchParams,
  async handler(params, { deps, now }) {
    refuseUnavailable('sessions.patch', params, PATCH_UNAVAILABLE);
    const session = sessionOf('sessions.patch', params.key, params.agentId);
    const known = await deps.keeping.row(session);
    if (!known) throw unknownSession(session);
    refuseOther('sessions.patch', known.conversation, params.expectedSessionId);
    const { model, thinkingLevel: level, groupActivation } = params;
    if (typeof model === 'string') await requireModel(deps, model);
    const row = await deps.keeping.change(session, {
      label: params.label,
      settings: {
        ...(model === undefined ? {} : { model: model ?? undefined }),
        ...(level === undefined ? {} : { thinking: level === null ? undefined : thinkingLevel('sessions.patch', level).thinking }),
        ...(groupActivation === undefined ? {} : { activation: groupActivation ?? undefined }),
      },
    });
    const { settings } = await deps.keeping.details(session);
    const meant = settings.model ?? (await deps.models.status()).primary;
    const slash = meant.indexOf('/');
    return { ok: true, path: deps.stateDir, key: session, entry: { ...sessionEntry(row, now()), ...(settings.thinking === undefined ? {} : { thinkingLevel: settings.thinking }) }, resolved: { modelProvider: meant.slice(0, slash), model: meant.slice(slash + 1) } };
  },
});

async function requireModel(deps: CallContext['deps'], ref: string): Promise<void> {
  const known = (await deps.models.list()).filter(({ available }) => available).map(({ provider, id }) => `${provider}/${id}`);
  if (!known.includes(ref)) throw invalidRequest(`sessions.patch: there is no model ${ref}; models.list has those there are`);
}

export const sessionWriteMethods = [sessionsReset, sessionsDelete, sessionsPatch];

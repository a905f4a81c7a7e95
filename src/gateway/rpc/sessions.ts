/** `sessions.create`, `sessions.list`, and ours: `sessions.recover`; what is read of one and done to one stands beside. Invariant: a key on the wire is always the canonical one. */
import { createHash, randomUUID } from 'node:crypto';
import { validateSessionsCreateParams, validateSessionsListParams } from '@openclaw/gateway-protocol';

import { SessionsRecoverParams } from '../../core/schema/rpc.js';
import { SESSION_KEY_PART_MAX } from '../../core/session-key.js';
import { sessionEntry } from '../session-view.js';
import { validator } from '../validate.js';
import { acceptMessage, refuseUnavailable, sessionOf, thinkingLevel } from './accept.js';
import { method } from './method.js';
import { sessionReadMethods } from './sessions-read.js';
import { sessionWriteMethods } from './sessions-write.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const CREATE_UNAVAILABLE = [
  'model', 'contextWindow', 'permissionMode', 'toolOverrides', 'incognito', 'catalogId', 'parentSessionKey', 'spawnDepth', 'fork', 'forkFrom',
  'succeedsParent', 'projectId', 'projectGitUrl', 'worktree', 'worktreeBaseRef', 'worktreeName', 'execNode', 'cwd',
] as const;
const LIST_UNAVAILABLE = ['spawnedBy', 'creatorId', 'ownerId', 'involvingProfileId', 'boardFace'] as const;

export const sessionsCreate = method({
  name: 'sessions.create',
  scope: 'operator.write',
  params: validateSessionsCreateParams,
  async handler(params, context) {
    refuseUnavailable('sessions.create', params, CREATE_UNAVAILABLE);
    const name = params.key ?? sessionName(params.idempotencyKey ?? randomUUID());
    const session = sessionOf('sessions.create', name, params.agentId);
    const thinking = thinkingLevel('sessions.create', params.thinkingLevel);
    const row = await context.deps.rows.createSession(session, params.label ?? params.displayName);
    const text = params.message ?? params.task;
    const answer = { ok: true, key: row.key, sessionId: row.conversation, entry: sessionEntry(row, context.now()) };
    if (text === undefined && params.attachments === undefined) return answer;
    const runId = params.idempotencyKey ?? randomUUID();
    const accepted = await acceptMessage({ method: 'sessions.create', session, runId, text: text ?? '', attachments: params.attachments, turn: thinking }, context);
    return { ...answer, runStarted: true, runId: accepted.runId };
  },
});

/**
 * The same idempotency key makes the same session, so its first run starts once; another key makes another one, also
 * where the grammar of session keys allows no letter that tells them apart.
 */
function sessionName(idempotencyKey: string): string {
  const name = `s-${idempotencyKey.toLowerCase().replace(/[^a-z0-9._-]/g, '-')}`;
  if (name === `s-${idempotencyKey}` && name.length <= SESSION_KEY_PART_MAX) return name;
  const hash = createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 16);
  return `${name.slice(0, SESSION_KEY_PART_MAX - hash.length - 1)}-${hash}`;
}

export const sessionsList = method({
  name: 'sessions.list',
  scope: 'operator.read',
  params: validateSessionsListParams,
  async handler(params, context) {
    refuseUnavailable('sessions.list', params, LIST_UNAVAILABLE);
    const limit = Math.min(params.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
    const offset = params.offset ?? 0;
    const search = params.search ?? params.label;
    const [page, status] = await Promise.all([
      context.deps.rows.listSessions({ limit, offset, ...(search === undefined || search === '' ? {} : { search }) }),
      context.deps.models.status(),
    ]);
    const now = context.now();
    const since = params.activeMinutes === undefined ? undefined : now - params.activeMinutes * 60_000;
    const sessions = page.sessions.filter((row) => since === undefined || row.updatedAt >= since).map((row) => sessionEntry(row, now));
    const next = offset + page.sessions.length;
    const slash = status.primary.indexOf('/');
    return {
      ts: now,
      path: context.deps.stateDir,
      count: sessions.length,
      totalCount: page.total,
      limitApplied: limit,
      hasMore: next < page.total,
      nextOffset: next < page.total ? next : null,
      owners: [],
      defaults: { modelProvider: status.primary.slice(0, slash), model: status.primary.slice(slash + 1), contextTokens: status.contextTokens },
      sessions,
    };
  },
});

export const sessionsRecover = method({
  name: 'sessions.recover',
  scope: 'operator.admin',
  params: validator(SessionsRecoverParams),
  async handler({ key, force }, { deps, principal }) {
    return { ok: true, ...(await deps.repair.recover(key, { force: force ?? false, by: principal })) };
  },
});

export const sessionMethods = [sessionsCreate, sessionsList, sessionsRecover, ...sessionReadMethods, ...sessionWriteMethods];

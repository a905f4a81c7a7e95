/**
 * `chat.send`, `chat.history`, `chat.abort`: a conversation as chat clients see it.
 * Invariant: history comes from the store; the ring adds only what the running step has said so far.
 */
import { randomUUID } from 'node:crypto';
import { validateChatAbortParams, validateChatHistoryParams, validateChatSendParams } from '@openclaw/gateway-protocol';

import { isTerminal } from '../../core/run.js';
import { chatMessage, seqOf } from '../messages.js';
import { tellOutcome } from '../outcome.js';
import { acceptMessage, queueMode, refuseUnavailable, sessionOf, spoken, thinkingLevel } from './accept.js';
import { method, type CallContext } from './method.js';

/** As the peer: enough for a screen, and the most one page may hold. */
const DEFAULT_LIMIT = 200;
const DEFAULT_MAX_CHARS = 100_000;
const UNAVAILABLE = ['expectedLeafEntryId', 'expectedPermissionMode', 'expectedToolOverrides', 'toolBindings', 'intent'] as const;

export const chatSend = method({
  name: 'chat.send',
  scope: 'operator.write',
  params: validateChatSendParams,
  // Known clients send none; without one a retry of theirs is a new message, which is what they have today.
  tolerate: (params) => (params['idempotencyKey'] === undefined ? { ...params, idempotencyKey: randomUUID() } : params),
  async handler(params, context) {
    refuseUnavailable('chat.send', params, UNAVAILABLE);
    const session = sessionOf('chat.send', params.sessionKey, params.agentId);
    const said = params.suppressCommandInterpretation === true ? { says: 'message' as const, text: params.message } : spoken(params.message);
    if (said.says === 'stop') {
      const runIds = await context.deps.sessions.stop(session, {}, context.principal);
      return { runId: params.idempotencyKey, status: 'ok', aborted: runIds.length > 0, runIds };
    }
    const accepted = await acceptMessage(
      {
        method: 'chat.send',
        session,
        runId: params.idempotencyKey,
        text: said.text,
        reset: said.says === 'reset',
        attachments: params.attachments,
        turn: {
          ...queueMode(params.queueMode),
          ...thinkingLevel('chat.send', params.thinking),
          ...(params.timeoutMs === undefined || params.timeoutMs === 0 ? {} : { timeoutMs: params.timeoutMs }),
        },
      },
      context,
    );
    if (accepted.status === 'accepted') return { runId: accepted.runId, status: 'started' };
    const row = await context.deps.rows.run(accepted.runId, accepted.session);
    if (!row || !isTerminal(row.state)) return { runId: accepted.runId, status: 'in_flight' };
    const told = tellOutcome({ row, final: row });
    return { runId: accepted.runId, status: told.status, ...(told.error === undefined ? {} : { error: told.error, code: told.code }) };
  },
});

export const chatHistory = method({
  name: 'chat.history',
  scope: 'operator.read',
  params: validateChatHistoryParams,
  async handler(params, context) {
    refuseUnavailable('chat.history', params, ['cursor']);
    const { deps } = context;
    const session = sessionOf('chat.history', params.sessionKey, params.agentId);
    const limit = params.limit ?? DEFAULT_LIMIT;
    const around = params.messageId === undefined ? undefined : await beforeSeq(params.messageId, session, context);
    const [history, active, pending, status] = await Promise.all([
      // One more than asked for tells whether there is more.
      deps.rows.history(session, {
        limit: limit + 1,
        ...(around === undefined ? {} : { beforeSeq: around }),
        ...(params.offset === undefined ? {} : { offset: params.offset }),
      }),
      deps.rows.listRuns({ session, state: ['taken'], limit: 10 }),
      deps.rows.pending(session),
      deps.models.status(),
    ]);
    const messages = history.rows.slice(-limit).map((row) => chatMessage(row, params.maxChars ?? DEFAULT_MAX_CHARS));
    const running = active.runs[0];
    const inFlight = running && deps.ring.text(running.run);
    const slash = status.primary.indexOf('/');
    const activeRunIds = active.runs.map((row) => row.runId);
    return {
      sessionKey: session,
      // A session that was never written to has no conversation yet.
      sessionId: history.conversation ?? null,
      messages,
      pendingInputs: {
        items: pending.map((row) => ({ id: row.inboundId, runId: row.runId, message: row.text, acceptedAt: row.acceptedAt, state: 'queued' })),
        total: pending.length,
      },
      hasMore: history.rows.length > limit,
      totalMessages: history.total,
      limit,
      offset: params.offset ?? 0,
      defaults: { modelProvider: status.primary.slice(0, slash), model: status.primary.slice(slash + 1), contextTokens: status.contextTokens },
      sessionInfo: { key: session, sessionId: history.conversation ?? null, hasActiveRun: activeRunIds.length > 0, activeRunIds },
      ...(running ? { inFlightRun: { runId: running.runId, text: inFlight?.text ?? '' } } : {}),
    };
  },
});

/** The page that ends with the named message. */
async function beforeSeq(id: string, session: string, context: CallContext): Promise<number | undefined> {
  const { conversation } = await context.deps.rows.history(session, { limit: 1 });
  const seq = seqOf(id, conversation);
  return seq === undefined ? undefined : seq + 1;
}

export const chatAbort = method({
  name: 'chat.abort',
  scope: 'operator.write',
  params: validateChatAbortParams,
  async handler(params, context) {
    const session = sessionOf('chat.abort', params.sessionKey, params.agentId);
    if (params.runId === undefined) {
      const stopped = await context.deps.sessions.stop(session, {}, context.principal);
      return { ok: true, aborted: stopped.length > 0, runIds: stopped };
    }
    const row = await context.deps.rows.run(params.runId, session);
    if (!row || isTerminal(row.state)) return { ok: true, aborted: false, runIds: [] };
    const stopped = await context.deps.sessions.stop(session, { run: row.run }, context.principal);
    return { ok: true, aborted: stopped.length > 0, runIds: stopped };
  },
});

export const chatMethods = [chatSend, chatHistory, chatAbort];

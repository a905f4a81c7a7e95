/**
 * The one door of every inbound message. Acceptance is one committed `inbound` row; the signal comes after it and may
 * be repeated by anyone. Invariant: once `accept` resolves, the message is answered, whatever is killed next.
 */
import { CodedError, invalidRequest, messageOf } from '../core/errors.js';
import { messageKey } from '../core/message.js';
import { LIMITS } from '../core/names.js';
import type { Door, DoorAnswer, DoorRequest, Logger, RunEvents } from '../core/ports.js';
import { ensureSession } from '../storage/fence.js';
import { type Inbound, inboundById, inboundOfPrincipal, inboxItem, insertInbound, markSignalled } from '../storage/inbound.js';
import type { Db } from '../storage/sqlite.js';
import type { SessionEngine } from './engine.js';
import { contentHash, inboundIdOf, requireRunId, requireSessionKey, runHash } from './keys.js';
import { type QueueDefaults, QUEUE_DEFAULTS } from './queueing.js';
import { standingOf } from './standing.js';

export interface IntakeDeps {
  readonly db: Db;
  readonly engine: SessionEngine;
  readonly events: RunEvents;
  readonly log: Logger;
  /** As configured. */
  readonly queue?: () => QueueDefaults;
}

export function createDoor(deps: IntakeDeps): Door {
  const { db } = deps;

  return {
    async accept(request: DoorRequest): Promise<DoorAnswer> {
      const { message } = request;
      const reset = request.reset === true;
      if (message.text.length > LIMITS.messageChars) throw invalidRequest(`a message has at most ${LIMITS.messageChars} characters`);
      if (message.text.trim() === '' && message.attachments.length === 0 && !reset) throw invalidRequest('the message is empty');
      const session = requireSessionKey(request.session);
      const key = messageKey(message);
      const id = inboundIdOf(key);
      const runId = requireRunId(request.runId ?? id);
      const run = runHash(request.principal, session.key, runId);
      const hash = contentHash(message, request.turn, reset);

      const row = await db.transaction().execute(async (tx) => {
        const isNew = await insertInbound(tx, {
          id, message_key: key, run, run_id: runId, session: session.key, principal: request.principal, channel: message.channel,
          ...(await standingOf(tx, deps.queue?.() ?? QUEUE_DEFAULTS, { session: session.key, role: request.role, message, turn: request.turn, reset })),
          state: 'accepted', payload_hash: hash, message: JSON.stringify(message), request: JSON.stringify(request.turn ?? {}), accepted_at: Date.now(),
        });
        // The principal's key first: the same key in another session has another message key.
        if (isNew) await ensureSession(tx, { key: session.key, agent: session.agent, channel: message.channel });
        const known = (await inboundOfPrincipal(tx, request.principal, runId)) ?? (await inboundById(tx, id));
        if (!known) throw new CodedError('INTERNAL', 'the accepted row is not there');
        return { isNew, known };
      });

      if (!row.isNew) refuseReuse(row.known, session.key, hash);
      else deps.events.publish({ type: 'accepted', session: session.key, run, runId, step: 0, attempt: 1, at: Date.now() });
      if (row.known.state === 'accepted') await signal(deps, row.known);
      return { inboundId: row.known.inboundId, runId, run: row.known.run, session: session.key, acceptedAt: row.known.at, status: row.isNew ? 'accepted' : 'repeat' };
    },
  };
}

function refuseReuse(known: Inbound, session: string, hash: string): void {
  if (known.session !== session) throw invalidRequest(`idempotency key was already used in session ${known.session}; use a new key`);
  if (known.payloadHash !== hash) throw invalidRequest('idempotency key was already used for another message; use a new key');
}

/** Signals an accepted row. Failure is no loss: the row is there and the sweeper signals again. */
export async function signal(deps: Pick<IntakeDeps, 'db' | 'engine' | 'log'>, row: Inbound): Promise<boolean> {
  try {
    const { agent } = requireSessionKey(row.session);
    await deps.engine.deliver({ session: row.session, agent, channel: row.channel }, inboxItem(row));
    await markSignalled(deps.db, row.inboundId);
    return true;
  } catch (error) {
    deps.log.warn({ inbound: row.inboundId, session: row.session, error: messageOf(error) }, 'engine away: the message is kept and signalled again');
    return false;
  }
}

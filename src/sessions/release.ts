/**
 * The way of a held message into its session: the door's row for it, as the door would have made it had the person been
 * known. Invariant: a message is accepted once; repeating a release only signals again.
 */
import { addressOf } from '../core/channel.js';
import { type Contact, principalOf } from '../core/contact.js';
import { CodedError } from '../core/errors.js';
import type { InboundMessage } from '../core/message.js';
import { ensureSession } from '../storage/fence.js';
import { type Released, releaseHeld } from '../storage/held.js';
import { inboundById } from '../storage/inbound.js';
import { noteRoute } from '../storage/routes.js';
import { type IntakeDeps, signal } from './intake.js';
import { requireSessionKey, runHash } from './keys.js';
import { QUEUE_DEFAULTS } from './queueing.js';
import { standingOf } from './standing.js';

export interface ReleaseDeps extends Pick<IntakeDeps, 'db' | 'engine' | 'events' | 'log' | 'queue'> {
  /** Whose session a direct message of this person belongs to. */
  readonly sessionOf: (message: InboundMessage, contact: Contact) => string;
}

/** @throws CodedError ENGINE_AWAY when the session did not get its signal */
export function createRelease(deps: ReleaseDeps): (inboundId: string, contact: Contact) => Promise<void> {
  const { db } = deps;
  return async (inboundId, contact) => {
    const { row, isNew } = await db.transaction().execute(async (tx) => {
      const held = await inboundById(tx, inboundId);
      if (held?.state !== 'held') return { row: held, isNew: false };
      const { message } = held;
      const session = requireSessionKey(deps.sessionOf(message, contact));
      const principal = principalOf(contact);
      const as: Released = {
        session: session.key, principal, run: runHash(principal, session.key, held.runId),
        ...(await standingOf(tx, deps.queue?.() ?? QUEUE_DEFAULTS, { session: session.key, role: contact.role, message })),
      };
      await ensureSession(tx, { key: session.key, agent: session.agent, channel: message.channel });
      await releaseHeld(tx, inboundId, as);
      await noteRoute(tx, session.key, addressOf(message));
      return { row: await inboundById(tx, inboundId), isNew: true };
    });
    if (!row) return;
    if (isNew) deps.events.publish({ type: 'accepted', session: row.session, run: row.run, runId: row.runId, step: 0, attempt: 1, at: Date.now() });
    if (row.state === 'accepted' && !(await signal(deps, row))) throw new CodedError('ENGINE_AWAY', 'the engine did not take the message; it is handed over later');
  };
}

/**
 * The way of a held message into its session: the door's row for it, as the door would have made it had the person been
 * known. Invariant: a message is accepted once; repeating a release only signals again.
 */
import { addressOf } from '../core/channel.js';
import { type Contact, principalOf } from '../core/contact.js';
import { CodedError } from '../core/errors.js';
import type { InboundMessage } from '../core/message.js';
import type { QueueRules } from '../core/queue.js';
import { ensureSession } from '../storage/fence.js';
import { type Released, releaseHeld } from '../storage/held.js';
import { inboundById } from '../storage/inbound.js';
import { noteRoute } from '../storage/routes.js';
import { GUEST_RIGHTS, OWNER_RIGHTS, rightsId } from '../storage/rights.js';
import { type IntakeDeps, signal } from './intake.js';
import { placeOf, requireSessionKey, runHash } from './keys.js';
import { QUEUE_DEFAULTS, queueOf } from './queueing.js';

export interface ReleaseDeps extends Pick<IntakeDeps, 'db' | 'engine' | 'events' | 'log' | 'queue'> {
  /** Whose session a direct message of this person belongs to. */
  readonly sessionOf: (message: InboundMessage, contact: Contact) => string;
}

/** Owners come first, as at the door. */
const PRIORITY = { owner: 2, guest: 3 } as const;

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
      const queue = await queueOf(tx, deps.queue?.() ?? QUEUE_DEFAULTS, { session: session.key, channel: message.channel });
      const rules: QueueRules = { place: placeOf(message), inGroup: false, quietMs: queue.debounceMs, cap: queue.cap, drop: queue.drop };
      const as: Released = {
        session: session.key, principal, role: contact.role, rights: await rightsId(tx, contact.role === 'owner' ? OWNER_RIGHTS : GUEST_RIGHTS),
        run: runHash(principal, session.key, held.runId), mode: queue.mode, rules: JSON.stringify(rules), priority: PRIORITY[contact.role],
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

/**
 * How a message stands in its session: rights, mode, rules, priority. One place for the door and for pairing, which lets
 * held messages in later.
 */
import type { InboundMessage } from '../core/message.js';
import type { TurnRequest } from '../core/ports.js';
import type { QueueMode, QueueRules, Role } from '../core/queue.js';
import type { Tx } from '../storage/fence.js';
import { GUEST_RIGHTS, OWNER_RIGHTS, rightsId } from '../storage/rights.js';
import { placeOf } from './keys.js';
import { type QueueDefaults, queueOf } from './queueing.js';

/** Owners come first (Temporal's priority keys: 1 best, 3 default). */
const PRIORITY = { owner: 2, guest: 3 } as const;

export interface Standing {
  readonly role: Role;
  /** Id of a rights set. */
  readonly rights: string;
  readonly mode: QueueMode;
  /** JSON {@link QueueRules}. */
  readonly rules: string;
  readonly priority: number;
}

export interface Entering {
  readonly session: string;
  readonly role: Role;
  readonly message: InboundMessage;
  readonly turn?: TurnRequest | undefined;
  readonly reset?: boolean;
}

export async function standingOf(tx: Tx, defaults: QueueDefaults, { session, role, message, turn, reset = false }: Entering): Promise<Standing> {
  const queue = await queueOf(tx, defaults, { session, channel: message.channel, ...(turn ? { turn } : {}) });
  const rules: QueueRules = { place: placeOf(message), inGroup: message.conversation.kind !== 'direct', quietMs: queue.debounceMs, cap: queue.cap, drop: queue.drop, ...(reset ? { reset } : {}) };
  return { role, rights: await rightsId(tx, role === 'owner' ? OWNER_RIGHTS : GUEST_RIGHTS), mode: reset ? 'followup' : queue.mode, rules: JSON.stringify(rules), priority: PRIORITY[role] };
}

/**
 * The queue's vocabulary and its one decision function. Pure: the session workflow asks it on every arrival and acts.
 * Invariant: an item is never dropped here; it starts, waits, is injected, collected, or replaces the running turn.
 */

export type QueueMode = 'steer' | 'followup' | 'collect' | 'interrupt';
export const QUEUE_MODES: readonly QueueMode[] = ['steer', 'followup', 'collect', 'interrupt'];

/** Modes whose engines exist; the door answers the others with INVALID_REQUEST. */
export const WORKING_QUEUE_MODES: readonly QueueMode[] = ['followup', 'interrupt'];
/** The mode of a message that names none. */
export const DEFAULT_QUEUE_MODE: QueueMode = 'followup';

export type DropPolicy = 'summarize' | 'old' | 'new';
export const DROP_POLICIES: readonly DropPolicy[] = ['summarize', 'old', 'new'];

export type Role = 'owner' | 'guest';

/** What a signal carries: ids and facts, never text. */
export interface InboxItem {
  readonly inboundId: string;
  /** Hash of the run id. */
  readonly run: string;
  readonly principal: string;
  readonly role: Role;
  /** Id of a rights set. */
  readonly rights: string;
  readonly mode: QueueMode;
  /** 1 first, 5 last; Temporal's priority keys. */
  readonly priority: number;
  /** Epoch milliseconds of acceptance. */
  readonly at: number;
}

/** What the decision depends on. */
export interface QueueState {
  readonly running?: { readonly item: InboxItem; readonly inGroup: boolean };
  readonly waiting: readonly InboxItem[];
}

export type QueueDecision =
  /** Already running or waiting: a repeated signal. */
  | { readonly act: 'duplicate' }
  /** Wait at this position of `waiting`. */
  | { readonly act: 'queue'; readonly position: number }
  /** Wait for more text of the same kind before a turn starts. */
  | { readonly act: 'collect' }
  /** Enter the running turn before its next model call. */
  | { readonly act: 'inject' }
  /** Stop the running turn; this item is next. */
  | { readonly act: 'interrupt' };

/**
 * Decides what an arriving item does. Owners wait before guests; equal ones in order of arrival.
 * Only the run's initiator or the owner steers or interrupts; anyone else's item becomes a follow-up
 * (in groups it is collected).
 */
export function decideArrival(state: QueueState, item: InboxItem): QueueDecision {
  const known = [...(state.running ? [state.running.item] : []), ...state.waiting];
  if (known.some((other) => other.inboundId === item.inboundId)) return { act: 'duplicate' };

  const position = queuePosition(state.waiting, item);
  if (item.mode === 'collect') return { act: 'collect' };
  if (!state.running) return { act: 'queue', position };

  const mayTouch = item.role === 'owner' || item.principal === state.running.item.principal;
  switch (item.mode) {
    case 'steer':
      if (mayTouch) return { act: 'inject' };
      return state.running.inGroup ? { act: 'collect' } : { act: 'queue', position };
    case 'interrupt':
      return mayTouch ? { act: 'interrupt' } : { act: 'queue', position };
    case 'followup':
      return { act: 'queue', position };
  }
}

/** After every item of the same or a better priority: first in, first out within one priority. */
export function queuePosition(waiting: readonly InboxItem[], item: InboxItem): number {
  const index = waiting.findIndex((other) => other.priority > item.priority);
  return index === -1 ? waiting.length : index;
}

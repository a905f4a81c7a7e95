/**
 * How a message waits: what it says itself, else what its session was set to, else what the config says of its channel,
 * else what it says of all.
 */
import type { SessionSettings } from '../core/contact.js';
import type { TurnRequest } from '../core/ports.js';
import { DEFAULT_QUEUE_MODE, type DropPolicy, type QueueMode } from '../core/queue.js';
import type { Tx } from '../storage/fence.js';
import { sessionSettings } from '../storage/session-settings.js';

/** `messages.queue` of the config. */
export interface QueueDefaults {
  readonly mode: QueueMode;
  readonly debounceMs: number;
  readonly cap: number;
  readonly drop: DropPolicy;
  readonly byChannel: Readonly<Record<string, QueueMode>>;
}
export const QUEUE_DEFAULTS: QueueDefaults = { mode: DEFAULT_QUEUE_MODE, debounceMs: 500, cap: 20, drop: 'summarize', byChannel: {} };

export type Queueing = Omit<QueueDefaults, 'byChannel'>;

export async function queueOf(tx: Tx, defaults: QueueDefaults, at: { readonly session: string; readonly channel: string; readonly turn?: TurnRequest }): Promise<Queueing> {
  const { queue: own = {} } = await sessionSettings(tx, at.session);
  return resolveQueue(defaults, own, at.channel, at.turn);
}

/** Pure. A message that asks for a turn of its own kind (its model, its time limit) is not mixed into another one. */
export function resolveQueue(defaults: QueueDefaults, own: NonNullable<SessionSettings['queue']>, channel: string, turn: TurnRequest = {}): Queueing {
  const mode = turn.mode ?? own.mode ?? defaults.byChannel[channel] ?? defaults.mode;
  const ofItsOwn = turn.followOn !== undefined || turn.background === true || turn.model !== undefined || turn.thinking !== undefined || turn.timeoutMs !== undefined || turn.extraSystemPrompt !== undefined;
  return {
    mode: ofItsOwn && (mode === 'steer' || mode === 'collect') ? 'followup' : mode,
    debounceMs: own.debounceMs ?? defaults.debounceMs,
    cap: own.cap ?? defaults.cap,
    drop: own.drop ?? defaults.drop,
  };
}

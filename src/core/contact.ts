/**
 * People and what they are to the agent. Pure.
 */
import type { ThinkingLevel } from './model.js';
import type { DropPolicy, QueueMode, Role } from './queue.js';

export type IdentityState = 'approved' | 'denied' | 'blocked';
export type PairingState = 'open' | 'approved' | 'denied' | 'blocked';

export interface Contact {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly blocked: boolean;
  readonly createdAt: number;
}

/** One sender of one account of one platform. */
export interface IdentityKey {
  readonly channel: string;
  readonly account: string;
  readonly sender: string;
}

export const identityText = (key: IdentityKey): string => `${key.channel}:${key.account}:${key.sender}`;

/** What a session's people set by command; absent: as configured. */
export interface SessionSettings {
  readonly queue?: { readonly mode?: QueueMode; readonly debounceMs?: number; readonly cap?: number; readonly drop?: DropPolicy };
  /** `provider/model`. */
  readonly model?: string;
  readonly thinking?: ThinkingLevel;
  /** What is said of cost under an answer. */
  readonly usage?: 'off' | 'tokens' | 'full';
  /** In groups: answer everything, or only when named. */
  readonly activation?: 'mention' | 'always';
}
